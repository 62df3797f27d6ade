r"""Regular expressions as trees: read once, then matched by RE2 and asked for the literals that they require.

The language is ripgrep's as far as RE2 knows it too: no back-references and no look-around, so that matching takes
time in proportion to the text. `\w`, `\d`, `\s` and `\b` know all of Unicode, `^` and `$` are the ends of a line, and
nothing matches a line break. A `{` that begins no repetition and a `[` inside a class are plain characters. Only
whether a line matches is of interest: groups capture nothing, and lazy repetition is repetition.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from kibitz.indexer.charclass import DIGIT, SPACE, WORD, CharClass, char_source
from kibitz.indexer.errors import IndexerError

MOST_CHARS = 10_000
MOST_DEPTH = 100
MOST_TIMES = 1_000  # of a counted repetition

_COUNT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_HEX = re.compile(r"x\{([0-9a-fA-F]+)\}|x([0-9a-fA-F]{2})|[uU]\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})")
_PROPERTY = re.compile(r"[pP](?:[A-Za-z]|\{\^?\w+\})")
_POSIX = re.compile(r"\[:\^?[a-z]+:\]")
_FLAGS = re.compile(r"\?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])")
_NAME = re.compile(r"\?P?<[A-Za-z_]\w*>")
_CONTROLS = {"a": "\a", "f": "\f", "t": "\t", "r": "\r", "v": "\v"}


class PatternError(IndexerError):
    """The regular expression is wrong."""


@dataclass(frozen=True, slots=True)
class One:
    """One character.

    `narrow` and `wide` are its sources for RE2, for texts of ASCII alone and for others; `fold` says that they ignore
    case. `chars` are what it can match, when these are few and known (not counting case), else None.
    """

    narrow: str
    wide: str
    chars: frozenset[str] | None
    fold: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """A place between characters: "^", "$", "b" (where a word begins or ends) or "B" (elsewhere)."""

    kind: str


@dataclass(frozen=True, slots=True)
class Chain:
    """Parts one after the other."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Either:
    """One of several parts."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part several times; `most` is None for any number."""

    part: "Node"
    least: int
    most: int | None


Node = One | Edge | Chain | Either | Repeat

_ANY = One(".", ".", None)
_EDGES = {"^": "^", "$": "$", "b": r"\b", "B": r"\B"}


def read_pattern(pattern: str, *, ignore_case: bool = False, fixed: bool = False, word: bool = False) -> Node:
    """Read a regular expression, or with `fixed` a text to be found as it is; with `word`, only as whole words.

    Raises:
        PatternError: it is none; says what is wrong and where.
    """
    if not pattern:
        raise PatternError("The pattern is empty: every line would match.")
    if len(pattern) > MOST_CHARS:
        raise PatternError(f"The pattern has more than {MOST_CHARS} characters.")
    reader = _Reader(pattern, fold=ignore_case)
    node = Chain(tuple(reader.literal(char) for char in pattern)) if fixed else reader.whole()
    if not word:
        return node
    apart = _one(CharClass(not_word=True), fold=False)
    return Chain((Either((Edge("^"), apart)), node, Either((apart, Edge("$")))))


def source(node: Node, *, wide: bool, words: bool = True) -> str:
    r"""A tree as RE2 reads it, for texts of ASCII alone or for others; without its `\b` and `\B` unless `words`."""
    match node:
        case One():
            return _in_case(node.wide if wide else node.narrow, node.fold)
        case Edge():
            return _EDGES[node.kind] if words or node.kind in "^$" else ""
        case Chain():
            runs: list[str] = []
            for fold, run in groupby(node.parts, key=lambda part: isinstance(part, One) and part.fold):
                if fold:
                    runs.append(_in_case("".join(_plain(part, wide) for part in run), True))
                else:
                    runs += [source(part, wide=wide, words=words) for part in run]
            return "".join(runs)
        case Either():
            return f"(?:{'|'.join(source(part, wide=wide, words=words) for part in node.parts)})"
        case Repeat():
            most = "" if node.most is None else node.most
            return f"(?:{source(node.part, wide=wide, words=words)}){{{node.least},{most}}}"


def has_words(node: Node) -> bool:
    r"""Whether a tree has a `\b` or `\B`."""
    match node:
        case Edge():
            return node.kind in "bB"
        case Chain() | Either():
            return any(map(has_words, node.parts))
        case Repeat():
            return has_words(node.part)
        case _:
            return False


def _plain(part: Node, wide: bool) -> str:
    assert isinstance(part, One)
    return part.wide if wide else part.narrow


def _in_case(text: str, fold: bool) -> str:
    return f"(?i:{text})" if fold else text


def _one(of: CharClass, *, fold: bool) -> One:
    return One(of.source(wide=False), of.source(wide=True), of.chars, fold)


class _Reader:
    """Reads one expression from left to right (recursive descent)."""

    def __init__(self, pattern: str, *, fold: bool) -> None:
        self._pattern = pattern
        self._at = 0
        self._fold = fold
        self._depth = 0

    def whole(self) -> Node:
        node = self._either()
        if self._at < len(self._pattern):
            raise self._error("this ) closes nothing")
        return node

    def literal(self, char: str) -> One:
        if char == "\n":
            raise self._error("a match stays within a line, which has no line break")
        text = char_source(char)
        return One(text, text, frozenset((char,)), self._fold)

    def _error(self, why: str, at: int | None = None) -> PatternError:
        place = (self._at if at is None else at) + 1
        return PatternError(f"{self._pattern!r} is not a regular expression: {why}, at character {place}.")

    def _next(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self, form: re.Pattern[str]) -> re.Match[str] | None:
        found = form.match(self._pattern, self._at)
        if found:
            self._at = found.end()
        return found

    def _either(self) -> Node:
        parts = [self._chain()]
        while self._next() == "|":
            self._at += 1
            parts.append(self._chain())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _chain(self) -> Node:
        parts: list[Node] = []
        while (char := self._next()) and char not in "|)":
            parts.append(self._repeated(self._atom()))
        return parts[0] if len(parts) == 1 else Chain(tuple(parts))

    def _repeated(self, part: Node) -> Node:
        while True:
            if (char := self._next()) and char in "*+?":
                self._at += 1
                part = Repeat(part, int(char == "+"), 1 if char == "?" else None)
            elif count := self._take(_COUNT):
                part = self._counted(part, count)
            else:
                return part
            if self._next() == "?":
                self._at += 1

    def _counted(self, part: Node, count: re.Match[str]) -> Node:
        least = int(count[1])
        most = least if not count[2] else int(count[3]) if count[3] else None
        if max(least, most or 0) > MOST_TIMES:
            raise self._error(f"more than {MOST_TIMES} repetitions", count.start())
        if most is not None and most < least:
            raise self._error("a repetition from more to fewer", count.start())
        return Repeat(part, least, most)

    def _atom(self) -> Node:
        char = self._next()
        if char in "*+?" or (char == "{" and _COUNT.match(self._pattern, self._at)):
            raise self._error(f"there is nothing that {char} could repeat")
        self._at += 1
        if char == "(":
            return self._group()
        if char == "[":
            return _one(self._class(), fold=self._fold)
        if char == "\\":
            return self._escape()
        if char in "^$":
            return Edge(char)
        return _ANY if char == "." else self.literal(char)

    def _group(self) -> Node:
        start, fold = self._at - 1, self._fold
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise self._error(f"groups are nested more than {MOST_DEPTH} deep", start)
        if not self._take(_NAME) and self._next() == "?" and self._set_flags():
            self._depth -= 1
            return Chain(())
        node = self._either()
        if self._next() != ")":
            raise self._error("this ( is never closed", start)
        self._at += 1
        self._depth -= 1
        self._fold = fold
        return node

    def _set_flags(self) -> bool:
        """Read the flags of a group; True when they are for the rest of the group around it."""
        start = self._at - 1
        if self._pattern.startswith(("?=", "?!", "?<=", "?<!"), self._at):
            raise self._error("look-around is not supported", start)
        flags = self._take(_FLAGS)
        unknown = set(flags[1] + (flags[2] or "")) - set("imsuU") if flags else {"?"}
        if flags is None or unknown or "m" in (flags[2] or "") or "u" in (flags[2] or ""):
            raise self._error("of flags only i, s, m and U are supported, and m stays on", start)
        if "i" in flags[1] + (flags[2] or ""):
            self._fold = "i" in flags[1]
        return flags[3] == ")"

    def _escape(self) -> Node:
        start = self._at - 1
        char = self._next()
        if char and char in "bB":
            self._at += 1
            return Edge(char)
        if char and char in "AzZ":
            raise self._error("lines are matched one by one: write ^ or $", start)
        found = CharClass()
        single = self._escaped(found)
        return self.literal(single) if single else _one(found, fold=self._fold)

    def _escaped(self, into: CharClass) -> str:
        r"""Read what follows a \: a single character, or "" for a class, which is added."""
        start, char = self._at - 1, self._next()
        if not char:
            raise self._error("a \\ at the end escapes nothing", start)
        if digits := self._take(_HEX):
            code = int(next(filter(None, digits.groups())), 16)
            if code > 0x10FFFF or 0xD800 <= code < 0xE000:
                raise self._error("there is no such character", start)
            return chr(code)
        if named := self._take(_PROPERTY):
            into.add_property(f"\\{named[0]}")
            return ""
        self._at += 1
        if add := _SHORT.get(char):
            add(into)
            return ""
        if char.isdigit():
            raise self._error("back-references are not supported", start)
        if char == "n":
            return "\n"
        if char.isalnum() or char in "<>":
            if char in _CONTROLS:
                return _CONTROLS[char]
            raise self._error(f"\\{char} is not known", start)
        return char

    def _class(self) -> CharClass:
        """Read a class, behind its [."""
        start = self._at - 1
        negated = self._next() == "^"
        self._at += negated
        found = CharClass(negated=negated)
        first = self._at
        while (char := self._next()) != "]" or self._at == first:
            if not char:
                raise self._error("this [ is never closed", start)
            if posix := self._take(_POSIX):
                found.add_property(posix[0])
                continue
            at = self._at
            low = self._class_char(found)
            if not low:
                continue
            high = low
            if self._next() == "-" and self._pattern[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                high = self._class_char(CharClass())
                if not high or high < low:
                    raise self._error("this range is none", at)
            found.add_range(low, high)
        self._at += 1
        return found

    def _class_char(self, into: CharClass) -> str:
        char = self._next()
        self._at += 1
        return self._escaped(into) if char == "\\" else char


_SHORT: dict[str, Callable[[CharClass], None]] = {
    "w": lambda of: of.add_known(WORD),
    "d": lambda of: of.add_known(DIGIT),
    "s": lambda of: of.add_known(SPACE),
    "W": CharClass.add_not_word,
    "D": lambda of: of.add_known(DIGIT.others),
    "S": lambda of: of.add_known(SPACE.others),
}
