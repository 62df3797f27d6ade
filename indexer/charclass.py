r"""Classes of characters, as RE2 reads them.

RE2's own `\w`, `\d` and `\s` know ASCII only; here they are spelt out for all of Unicode (Unicode Technical Standard
18, annex C). For texts of ASCII alone the short forms are kept, which make smaller automata.
"""

from dataclasses import dataclass, field
from itertools import pairwise

_FEW = 16  # characters of a class that are told one by one
_LAST = 0x10FFFF

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Known:
    r"""A class that has a name: what stands in [] for it, for texts of ASCII and for others.

    `other_narrow` and `other_wide` are the same for all other characters.
    """

    narrow: str
    wide: str
    other_narrow: str = ""
    other_wide: str = ""

    @property
    def others(self) -> "Known":
        """All characters that are not in it."""
        return Known(self.other_narrow, self.other_wide)


def _spelt(ranges: tuple[Range, ...]) -> str:
    return "".join(f"\\x{{{low:x}}}-\\x{{{high:x}}}" for low, high in ranges)


def _others(ranges: tuple[Range, ...]) -> str:
    bounds = ((0, -1), *ranges, (_LAST + 1, _LAST + 1))
    return _spelt(tuple((a[1] + 1, b[0] - 1) for a, b in pairwise(bounds) if a[1] + 1 < b[0]))


_SPACES = (
    (9, 13), (32, 32), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
    (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000),
)  # fmt: skip
# Letters, marks, digits, connectors; what else is alphabetic or joins letters.
_WORD_PROPERTIES = ("L", "M", "Nd", "Nl", "Pc")
_WORD_RANGES = ((0x200C, 0x200D), (0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189))

SPACE = Known(r"\s\x0b", _spelt(_SPACES), r"\x00-\x08\x0e-\x1f\x21-\x{10ffff}", _others(_SPACES))
DIGIT = Known(r"\d", r"\p{Nd}", r"\D", r"\P{Nd}")
WORD = Known(r"\w", "".join(f"\\p{{{name}}}" for name in _WORD_PROPERTIES) + _spelt(_WORD_RANGES))
_NOT_WORD_PARTS = (*(f"\\P{{{name}}}" for name in _WORD_PROPERTIES), *(_others((one,)) for one in _WORD_RANGES))


def char_source(char: str) -> str:
    """One character as RE2 reads it, in a class or outside."""
    return char if char.isascii() and char.isalnum() else f"\\x{{{ord(char):x}}}"


@dataclass(slots=True)
class CharClass:
    r"""A class while it is read.

    `narrow` and `wide` are what stands in its [], `few` its characters as long as they are few and known. `not_word`
    says that \W is among them, which is no list of ranges and properties and so stands apart.
    """

    negated: bool = False
    not_word: bool = False
    narrow: list[str] = field(default_factory=list)
    wide: list[str] = field(default_factory=list)
    few: set[str] | None = field(default_factory=set)

    def add_range(self, low: str, high: str) -> None:
        """Add the characters from one to another."""
        text = char_source(low) if low == high else f"{char_source(low)}-{char_source(high)}"
        self._add(text, text)
        if self.few is not None:
            size = ord(high) - ord(low) + 1
            self.few |= {chr(ord(low) + step) for step in range(size)} if size <= _FEW else set()
            if size > _FEW or len(self.few) > _FEW:
                self.few = None

    def add_property(self, name: str) -> None:
        r"""Add a class that RE2 knows by a name, such as \p{Greek} or [:alpha:]."""
        self._add(name, name)
        self.few = None

    def add_known(self, known: Known) -> None:
        r"""Add \w, \d, \s, \D or \S."""
        self._add(known.narrow, known.wide)
        self.few = None

    def add_not_word(self) -> None:
        r"""Add \W."""
        self.not_word = True
        self.few = None

    def _add(self, narrow: str, wide: str) -> None:
        self.narrow.append(narrow)
        self.wide.append(wide)

    @property
    def chars(self) -> frozenset[str] | None:
        """What it can match, when that is known and little."""
        return None if self.negated or self.few is None else frozenset(self.few - {"\n"})

    def source(self, *, wide: bool) -> str:
        """The class as RE2 reads it, for texts of ASCII alone or for others."""
        mark = "^" if self.negated else ""
        inside = "".join(self.wide if wide else self.narrow)
        if not self.not_word:
            return f"[{mark}{inside}]"
        if not wide:
            return f"[{mark}{inside}\\W]"
        if self.negated:  # in a word, and in none of the others: each kind of letters for itself
            return f"(?:{'|'.join(f'[^{inside}{part}]' for part in _NOT_WORD_PARTS)})"
        listed = f"[{inside}]|" if inside else ""
        return f"(?:{listed}[^{WORD.wide}])"
