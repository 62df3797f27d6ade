"""How each family of code models wants a fill-in-the-middle prompt, as its model card gives it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class FimFamily:
    """The control strings of a FIM format.

    `suffix_first` puts the suffix before the prefix (SPM). With `file` the family has a format for several files:
    each begins with `file` and its path, after `repo` and the repository's name; `path_inside` puts the current
    file's path behind the prefix token. `stop` ends a completion; `controls` are further strings that the tokenizer
    reads as its own and that no text may contain.
    """

    name: str
    prefix: str
    suffix: str
    middle: str
    stop: tuple[str, ...]
    suffix_first: bool = False
    repo: str = ""
    repo_end: str = ""
    file: str = ""
    file_end: str = ""
    path_inside: bool = False
    controls: tuple[str, ...] = ()

    def control_pattern(self) -> re.Pattern[str]:
        """Match every control string of the family."""
        own = (self.prefix, self.suffix, self.middle, self.repo, self.file, *self.stop, *self.controls)
        strings = sorted({string.strip() for string in own if string.strip()}, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, strings)))


def _family(name: str, tokens: tuple[str, str, str], *stop: str, **more: str | bool | tuple[str, ...]) -> FimFamily:
    """Make a family whose own tokens also stop it: none may occur in a completion."""
    prefix, suffix, middle = tokens
    own = [prefix, suffix, middle, str(more.get("repo", "")), str(more.get("file", ""))]
    stops = tuple(dict.fromkeys(token.strip() for token in (*stop, *own) if token.strip()))
    return FimFamily(name, prefix, suffix, middle, stops, **more)  # type: ignore[arg-type]


_PIPED = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
_PLAIN = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
_STARCODER_1 = ("<reponame>", "<filename>", "<gh_stars>", "<fim_pad>")
_STARCODER_2 = ("<fim_pad>", "<pr>", "<issue_start>", "<jupyter_start>")

_ALL = (
    _family(
        "qwen-coder",
        _PIPED,
        *("<|endoftext|>", "<|fim_pad|>", "<|im_start|>", "<|im_end|>"),
        repo="<|repo_name|>",
        repo_end="\n",
        file="<|file_sep|>",
        file_end="\n",
    ),
    _family("starcoder", _PLAIN, "<|endoftext|>", controls=_STARCODER_1),
    _family(
        "starcoder2",
        _PLAIN,
        "<|endoftext|>",
        repo="<repo_name>",
        file="<file_sep>",
        path_inside=True,
        controls=_STARCODER_2,
    ),
    _family("codellama", ("<PRE> ", " <SUF>", " <MID>"), "<EOT>", controls=("<s>", "</s>")),
    _family(
        "deepseek-coder",
        ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),  # noqa: RUF001 - the bars are wide
        *("<｜end▁of▁sentence｜>", "<|EOT|>"),  # noqa: RUF001
        controls=("<｜begin▁of▁sentence｜>",),  # noqa: RUF001
    ),
    # Codestral has no middle token in use: the completion follows the prefix.
    _family(
        "codestral",
        ("[PREFIX]", "[SUFFIX]", ""),
        suffix_first=True,
        controls=("[MIDDLE]", "[INST]", "[/INST]", "<s>", "</s>"),
    ),
    _family("granite", _PLAIN, "<|endoftext|>", controls=_STARCODER_1),
    _family("granite-4", _PIPED, "<|end_of_text|>", "<|fim_pad|>", controls=("<|start_of_role|>", "<|end_of_role|>")),
    _family("codegemma", _PIPED, "<|file_separator|>", "<end_of_turn>", controls=("<bos>", "<eos>", "<start_of_turn>")),
)

FAMILIES: Mapping[str, FimFamily] = MappingProxyType({family.name: family for family in _ALL})

# Which family a model belongs to, by its name as endpoints spell it. The first that matches; an empty name says that
# the model is known not to fill in the middle.
_NAMES: tuple[tuple[str, str], ...] = (
    (r"codellama.*(?:python|34b|70b)|mamba-codestral|codellama.*phind", ""),
    (r"code-?llama", "codellama"),
    (r"qwen[\d.]*-?coder|qwen2\.5-?coder|qwen3-?coder", "qwen-coder"),
    (r"codeqwen|stable-?code(?!r)", "starcoder"),
    (r"starcoder-?2", "starcoder2"),
    (r"star-?coder|starcoderbase", "starcoder"),
    (r"deepseek-?coder", "deepseek-coder"),
    (r"codestral", "codestral"),
    (r"code-?gemma", "codegemma"),
    (r"granite-?4", "granite-4"),
    (r"granite-?(?:code|\d+b-code|3\.3|3b-code|8b-code|20b-code|34b-code)", "granite"),
)


def family_of(model: str) -> FimFamily | None:
    """Return the family of a model as endpoints spell it, None when it is not known to fill in the middle.

    Only the part after the last "/" counts ("bigcode/starcoder2-3b", "ollama/qwen2.5-coder:1.5b-base").
    """
    bare = re.sub(r"[_\s]+", "-", model.strip().lower().rsplit("/", 1)[-1])
    for pattern, name in _NAMES:
        if re.search(pattern, bare):
            return FAMILIES[name] if name else None
    return None
