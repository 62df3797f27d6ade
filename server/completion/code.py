"""Just enough of code's grammar to clean a suggestion: brackets, strings, comments, indentation.

Not a parser: what stands around a cursor rarely parses. Strings and comments are passed over so that a bracket in
one is not counted; where the language is not known or is prose, only brackets count.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from kibitz.server.completion.brackets import Reader

CLOSER_OF = {"(": ")", "[": "]", "{": "}"}
MAX_DEPTH = 60  # brackets around a cursor that are looked at
CLOSERS = frozenset(CLOSER_OF.values())
PROSE = frozenset(("", "markdown", "text", "plaintext", "html", "latex", "rst", "restructuredtext"))

_HASH = frozenset(
    ("python", "ruby", "bash", "shellscript", "toml", "elixir", "yaml", "perl", "r", "julia", "dockerfile", "makefile")
)
_DASHES = frozenset(("sql", "haskell", "lua"))
_TRIPLE = r'"""(?:\\.|(?!""").)*(?:"""|\Z)|\'\'\'(?:\\.|(?!\'\'\').)*(?:\'\'\'|\Z)'
_DOUBLE = r'"(?:\\.|[^"\\\n])*(?:"|$|\\?\Z)'
_SINGLE = r"'(?:\\.|[^'\\\n])*'"
_CHARACTER = r"'(?:\\[^\n']{1,10}|[^'\\\n])'"  # where an apostrophe also begins a lifetime or ends a name
_BACKTICKS = r"`(?:\\.|[^`\\])*(?:`|\\?\Z)"


@dataclass(frozen=True, slots=True)
class Bracket:
    """A bracket and where it stands."""

    mark: str
    offset: int


@dataclass(frozen=True, slots=True)
class Balance:
    """What a text leaves open, outermost first, and the closers in it that close nothing in it, in order."""

    opened: tuple[Bracket, ...]
    unmatched: tuple[Bracket, ...]


@lru_cache(maxsize=64)
def _tokens(language: str) -> re.Pattern[str]:
    if language in PROSE:
        return re.compile(r"[()\[\]{}]")
    if language in _HASH:
        comment = r"\#[^\n]*"
    elif language in _DASHES:
        comment = r"--[^\n]*"
    else:
        comment = r"//[^\n]*|/\*.*?(?:\*/|\Z)"
    single = _CHARACTER if language in ("rust", "haskell", "scala", "ocaml") else _SINGLE
    kinds = [comment, _TRIPLE, _DOUBLE, single]
    if language in ("javascript", "typescript", "javascriptreact", "typescriptreact", "go"):
        kinds.append(_BACKTICKS)
    return re.compile("|".join([*kinds, r"[()\[\]{}]"]), re.DOTALL | re.MULTILINE)


@lru_cache(maxsize=64)
def _reader(language: str) -> Reader:
    return Reader(_tokens(language), CLOSER_OF)


def balance(text: str, language: str) -> Balance:
    """Match the brackets of a text; a closer of another kind than the innermost opener is unmatched."""
    opened: list[Bracket] = []
    unmatched: list[Bracket] = []
    for found in _tokens(language).finditer(text):
        mark = found[0]
        if mark in CLOSER_OF:
            opened.append(Bracket(mark, found.start()))
        elif mark in CLOSERS:
            if opened and CLOSER_OF[opened[-1].mark] == mark:
                opened.pop()
            else:
                unmatched.append(Bracket(mark, found.start()))
    return Balance(tuple(opened), tuple(unmatched))


@dataclass(frozen=True, slots=True)
class Around:
    """The brackets around a cursor.

    `opened` are open at it, outermost first, and `closed` says of each whether something after it closes it; `closers`
    are the closing brackets after it that close nothing there, in order.
    """

    opened: tuple[str, ...]
    closed: tuple[bool, ...]
    closers: tuple[str, ...]

    def imbalance(self, text: str, language: str) -> int:
        """Count the brackets without a partner when a text stands at the cursor."""
        stack, alone = list(self.opened), 0
        found = balance(text, language)
        for mark in (*(b.mark for b in found.unmatched), *(b.mark for b in found.opened), *self.closers):
            if mark in CLOSER_OF:
                stack.append(mark)
            elif stack and CLOSER_OF[stack[-1]] == mark:
                stack.pop()
            else:
                alone += 1
        return alone + len(stack)


def around(prefix: str, suffix: str, language: str) -> Around:
    """Match the brackets that one text leaves open with those that another closes.

    As many as can be, in order, the outermost first: what is being written stands innermost, and has often not been
    ended yet ("for (x of xs" with "}" below).
    """
    opened = _reader(language).read(prefix).opened[-MAX_DEPTH:]
    closers = _closers(suffix, language)
    inward = closers[::-1]
    most = [[0] * (len(inward) + 1) for _ in range(len(opened) + 1)]  # pairs in opened[i:] and inward[j:]
    for i in range(len(opened) - 1, -1, -1):
        for j in range(len(inward) - 1, -1, -1):
            pair = most[i + 1][j + 1] + 1 if CLOSER_OF[opened[i]] == inward[j] else 0
            most[i][j] = max(pair, most[i + 1][j], most[i][j + 1])
    closed = [False] * len(opened)
    i = j = 0
    while i < len(opened) and j < len(inward):
        if CLOSER_OF[opened[i]] == inward[j] and most[i][j] == most[i + 1][j + 1] + 1:
            closed[i] = True
            i, j = i + 1, j + 1
        elif most[i][j] == most[i][j + 1]:
            j += 1
        else:
            i += 1
    return Around(opened, tuple(closed), closers)


@lru_cache(maxsize=4)  # while somebody types on one line it stays the same
def _closers(suffix: str, language: str) -> tuple[str, ...]:
    return tuple(bracket.mark for bracket in balance(suffix, language).unmatched)[:MAX_DEPTH]


def in_text(prefix: str, language: str) -> bool:
    """Tell whether a text ends inside a comment or a string, where brackets are only characters."""
    token = _reader(language).read(prefix).last if language not in PROSE else ""
    if token and token[0] not in "()[]{}":
        quote = token[:3] if token.startswith(('"""', "'''")) else token[0]
        if quote[0] in "\"'`":
            return len(token) < 2 * len(quote) or not token.endswith(quote)
        return not token.endswith("*/")
    return bool(open_quote(prefix[prefix.rfind("\n") + 1 :], language))


def open_quote(line: str, language: str) -> str:
    """Return the quote of a string that a line leaves open, "" when it leaves none."""
    if language in PROSE:
        return ""
    quote, escaped = "", False
    for mark in line:
        if escaped:
            escaped = False
        elif mark == "\\":
            escaped = True
        elif quote:
            quote = "" if mark == quote else quote
        elif mark in "\"'`":
            quote = mark
        elif mark == "#" and language in _HASH:
            return ""
    return quote


def width(line: str) -> int:
    """Return how far a line is indented; a tab counts as four blanks, which only has to be consistent."""
    return sum(4 if mark == "\t" else 1 for mark in line[: len(line) - len(line.lstrip(" \t"))])
