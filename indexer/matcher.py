"""The lines of a text that match a regular expression, found by RE2: in time that grows with the text, never faster.

RE2 (Cox, "Regular Expression Matching in the Wild", 2010) follows all ways of matching at once, so that no expression
makes it go back.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from kibitz.indexer.pattern import Chain, Either, Node, One, PatternError, Repeat, has_words, source
from kibitz.indexer.required import required
from kibitz.indexer.wordedges import WordEdges

MOST_MEMORY = 16 << 20  # bytes for one automaton: beyond that RE2 goes on with less speed, or refuses
MOST_STATES = 200_000  # of an automaton: its size is what a character can cost
MOST_LITERALS = 8  # that are looked for one by one before the expression is
FEW_LINES = 4  # of a text that are looked at because of a literal, before all are: it says little where it is common
WINDOW_BYTES = 1 << 18  # looked at without asking whether time is up


_ASCII = bytes(range(128)).replace(b"\n", b"")


class Matcher:
    """A compiled expression. Safe to share between threads.

    `is_wide` says that whatever matches holds a letter beyond ASCII.
    """

    def __init__(self, pattern: str, node: Node) -> None:
        """Compile it.

        Raises:
            PatternError: RE2 does not take it, or it grows too large.
        """
        self._pattern = pattern
        # For texts of ASCII alone. RE2's `\b` and `\B` know no other letters: for other texts they hold everywhere, so
        # that too much is found, which `edges` looks at once more.
        self._narrow = self._compiled(source(node, wide=False))
        self._wide = self._compiled(source(node, wide=True, words=False))
        self._edges = self._word_edges(node) if has_words(node) else None
        self._exact = _few(required(node, folded=False))
        self._plain = [clause for clause in self._exact if all(map(bytes.isascii, clause))]
        self.is_wide = _is_wide(node)

    def may_match(self, raw: bytes) -> bool:
        """Whether a line can match in the bytes of a file, which are in some encoding that keeps ASCII as it is.

        Most files that are read hold the grams and not the literals, which are found faster than a text is decoded.
        """
        for clause in self._plain:
            for literal in clause:
                if literal in raw:
                    break
            else:
                return False
        return not (self.is_wide and raw.isascii())

    def lines(self, data: bytes, is_late: Callable[[], bool]) -> Iterator[tuple[int, int]]:
        """Where the lines that match begin and end in a text of UTF-8, without their line breaks.

        Ends early when `is_late` says so, which is asked after WINDOW_BYTES or sooner.
        """
        narrow = data.isascii()
        if narrow and self.is_wide:
            return
        regex = self._narrow if narrow else self._wide
        found = _lines_with(self._exact[0], regex, data, is_late) if self._exact else _lines(regex, data, is_late)
        for start, end in found:
            if narrow or self._edges is None or self._is_match(data[start:end], self._edges):
                yield start, end

    def _is_match(self, line: bytes, edges: WordEdges) -> bool:
        if line.isascii():
            return self._narrow.search(line) is not None
        return edges.matches(line.decode("utf-8", "replace"))

    def _word_edges(self, node: Node) -> WordEdges:
        try:
            return WordEdges(node)
        except OverflowError:
            raise self._too_large() from None

    def _compiled(self, text: str) -> Any:
        import re2

        options = re2.Options()
        options.max_mem = MOST_MEMORY
        options.never_nl = options.never_capture = True
        options.log_errors = False
        try:
            compiled = re2.compile(f"(?m){text}", options)
            re2.purge()  # it would keep a hundred automata that nobody uses any more
        except re2.error as error:
            why = str(error)
            if "too large" in why or "repetition" in why:
                raise self._too_large() from None
            raise PatternError(f"{self._pattern!r} is not a regular expression: {why}.") from None
        if compiled.programsize > MOST_STATES:
            raise self._too_large()
        return compiled

    def _too_large(self) -> PatternError:
        return PatternError(f"{self._pattern!r} is too large: repeat less, or search for a part of it.")


def _few(clauses: list[list[bytes]]) -> list[list[bytes]]:
    return [clause for clause in clauses if len(clause) <= MOST_LITERALS]


def _is_wide(node: Node) -> bool:
    """Whether whatever matches holds a letter beyond ASCII."""
    match node:
        case One(chars=None):
            return not _has_ascii(source(node, wide=False))
        case One():
            return not any(char.isascii() or (node.fold and char.casefold().isascii()) for char in node.chars or ())
        case Chain():
            return any(map(_is_wide, node.parts))
        case Either():
            return all(map(_is_wide, node.parts))
        case Repeat():
            return node.least > 0 and _is_wide(node.part)
        case _:
            return False


@lru_cache(maxsize=64)
def _has_ascii(of: str) -> bool:
    import re2

    return re2.search(of, _ASCII) is not None


def _lines_with(
    literals: list[bytes], regex: Any, data: bytes, is_late: Callable[[], bool]
) -> Iterator[tuple[int, int]]:
    """The lines that match of those that hold one of the literals; of the later ones, when many hold one, of all."""
    places = {literal: data.find(literal) for literal in literals}
    end = -1
    for _ in range(FEW_LINES):
        ahead = [at for at in places.values() if at >= 0]
        if not ahead:
            return
        at = min(ahead)
        start, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at)
        end = len(data) if end < 0 else end
        if regex.search(data, start, end):
            yield start, end
        places |= {literal: data.find(literal, end) for literal, at in places.items() if 0 <= at < end}
        if is_late():
            return
    yield from _lines(regex, data, is_late, end + 1)


def _lines(regex: Any, data: bytes, is_late: Callable[[], bool], at: int = 0) -> Iterator[tuple[int, int]]:
    size = len(data)
    while at < size:
        window = data.find(b"\n", at + WINDOW_BYTES) + 1 or size
        while at < window and (found := regex.search(data, at, window)):
            begun = found.start()
            if begun == size and data.endswith(b"\n"):
                return  # behind the last line
            if begun == window < size:
                break  # the start of the next line
            end = data.find(b"\n", begun)
            end = size if end < 0 else end
            yield data.rfind(b"\n", 0, begun) + 1, end
            at = end + 1
        at = max(at, window)
        if is_late():
            return
