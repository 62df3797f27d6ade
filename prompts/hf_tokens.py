"""Exact counts by a model's own `tokenizer.json`, read by Hugging Face's library `tokenizers`."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kibitz.prompts.errors import PromptError
from kibitz.prompts.tokens import BLANKS, Memo, cut_between_lines

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Library

FILE = "tokenizer.json"
INSTALL = "pip install 'kibitz[hf]'"

# How the common byte-level vocabularies cut a text before their merges, by what their files hold. All of these cut
# between a line end and what starts afresh after it, and before a blank after something else.
_BY_LINES = frozenset(
    {
        # Llama 3
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+",
        # Qwen 2 and 3
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+",
        # Qwen 3.5
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+",
        # gpt-oss and others on o200k_base
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        # Mistral since Nemo
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
        r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
        r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        # DeepSeek 3; in its file two of the line ends and blanks stand as themselves
        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
        "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
    }
)
# These match no white space, so no match lies across a seam that has a line end or a blank at it.
_WITHOUT_SPACE = frozenset({r"\p{N}", r"\p{N}{1,3}", "[一-龥\u3040-\u309f\u30a0-\u30ff]+"})

Seam = Callable[[str, str], bool]


class HFTokenizer:
    """A `tokenizer.json`: any model's own counts, offline.

    Text that looks like a control token is counted as text. A file's own truncation and padding are switched off.
    """

    exact = True
    scale = 1

    def __init__(self, library: "Library", name: str) -> None:
        self.name = name
        library.no_truncation()
        library.no_padding()
        library.encode_special_tokens = True
        self._library = library
        self.additive: Seam = _seam(library)
        self.weigh = Memo(lambda text: len(self.encode(text)))

    @classmethod
    def load(cls, path: Path) -> "HFTokenizer":
        """Read a file, or the `tokenizer.json` of a model's folder; 0.5 to 3 s of CPU time.

        Raises:
            PromptError: the library is not installed, or there is no such file, or it cannot be used.
        """
        try:
            from tokenizers import Tokenizer as Library
        except ImportError:
            raise PromptError(f"Counting by {path} needs a library: {INSTALL}") from None
        if path.is_dir():
            path /= FILE
        if not path.is_file():
            raise PromptError(f"There is no tokenizer {path}: name a model's tokenizer.json or its folder.")
        try:
            library = Library.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise PromptError(f"{path} cannot be used as a tokenizer: {reason}.") from None
        return cls(library, f"{path.parent.name}/{path.name}")

    def count(self, text: str) -> int:
        """Count the tokens; each text is encoded once while it is remembered."""
        return self.weigh(text)

    def encode(self, text: str) -> list[int]:
        """Encode, control look-alikes as ordinary text, without what begins or ends a document."""
        try:
            return self._library.encode(text, add_special_tokens=False).ids
        except TypeError:  # half a surrogate pair
            whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            return self._library.encode(whole, add_special_tokens=False).ids

    def decode(self, ids: list[int]) -> str:
        """Decode; half a character becomes U+FFFD."""
        return self._library.decode(ids, skip_special_tokens=False)


def _seam(library: "Library") -> Seam:
    """Tell where counts surely add up, from how the file says that text is cut; nowhere if that is not known.

    Tokens never lie across a cut. The cuts are known for the patterns above, if nothing before them looks at more than
    one side of the seam: no normaliser but NFC, which composes nothing with a line end or a blank, and no added token
    with white space in it or round it.
    """
    if not _keeps_seams(library):
        return _nowhere
    rules = [_rule(stage) for stage in _stages(_state(library.pre_tokenizer))]
    cutting = [rule for rule in rules if rule is not _anywhere]
    return cutting[0] if len(cutting) == 1 else _nowhere


def _keeps_seams(library: "Library") -> bool:
    normalizer = _state(library.normalizer)
    kept = normalizer is None or normalizer["type"] == "NFC" or normalizer.get("normalizers") == []
    return (
        kept
        and not getattr(library.model, "dropout", None)
        and not any(
            token.lstrip or token.rstrip or token.single_word or any(map(str.isspace, token.content))
            for token in library.get_added_tokens_decoder().values()
        )
    )


def _state(component: Any) -> Any:
    """A component's definition as the file has it."""
    return None if component is None else json.loads(component.__getstate__())


def _stages(definition: Any) -> Iterator[Any]:
    if definition is not None and definition["type"] == "Sequence":
        for inner in definition["pretokenizers"]:
            yield from _stages(inner)
    elif definition is not None:
        yield definition


def _rule(stage: Any) -> Seam:
    """Where one stage cuts: `_anywhere` says that it leaves seams as it finds them."""
    kind = stage["type"]
    if kind == "Digits":
        return _anywhere
    if kind == "ByteLevel" and not stage["add_prefix_space"]:
        return _gpt2 if stage["use_regex"] else _anywhere
    if kind == "Split" and (stage["behavior"], stage["invert"]) in (("Isolated", False), ("Removed", True)):
        pattern = stage["pattern"].get("Regex", "")
        if pattern in _BY_LINES:
            return cut_between_lines
        if pattern in _WITHOUT_SPACE and not stage["invert"]:
            return _anywhere
    return _nowhere


def _anywhere(left: str, right: str, /) -> bool:
    return True


def _nowhere(left: str, right: str, /) -> bool:
    return False


def _gpt2(left: str, right: str, /) -> bool:
    """GPT-2's pattern joins a line end with the indentation and the blank lines after it; what stands alone is cut."""
    before, first = left[-2:], right[:1]
    if before.endswith("\n"):
        return len(before) == 2 and not before[0].isspace() and not first.isspace() and first != ""
    return before != "" and first in BLANKS and not before[-1].isspace()
