"""Which literals a line must hold if a regular expression matches it.

After Cox, "Regular Expression Matching with a Trigram Index", 2012. What is known of a part of the expression is either
all that it can match, while that is little, or how its matches begin and end and what they hold. Requirements are
clauses: of each clause, the text holds at least one literal. No clause at all says that nothing is required.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from itertools import product

from kibitz.indexer.pattern import Chain, Edge, Either, Node, One, Repeat

MOST_STRINGS = 128  # in a set of all that a part can match
MOST_CLAUSES = 12
FEW_STRINGS = 16  # beginnings or ends of a part that are kept
EDGE_CHARS = 3  # of them: what reaches over to the next part
UNROLLED = 8  # so many of a repetition are looked at one after the other
SHORTEST = 3  # bytes of a literal that says something

Strings = frozenset[str]
Clauses = frozenset[Strings]

_EMPTY: Strings = frozenset(("",))
_NOTHING: Clauses = frozenset()


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a part.

    `whole` is all that it matches, or None when that is too much. Every match begins with one of `starts`, ends with
    one of `ends` and fulfils the `clauses`.
    """

    whole: Strings | None
    starts: Strings = _EMPTY
    ends: Strings = _EMPTY
    clauses: Clauses = _NOTHING


_ANYTHING = _Known(None)


def required(node: Node, *, folded: bool = True) -> list[list[bytes]]:
    """The clauses of an expression, each with its literals in UTF-8; the clause that says most comes first.

    They are folded as `grams.folded` does, or else spelt as they stand in the text: then nothing is known of letters
    that match in either case.
    """
    clauses = _by_worth(_opened(_known(node, folded)).clauses)
    return [sorted(text.encode("utf-8", "replace") for text in clause) for clause in clauses]


def _known(node: Node, folded: bool) -> _Known:
    match node:
        case One():
            return _one(node, folded)
        case Edge():
            return _Known(_EMPTY)
        case Chain():
            return _chained(_known(part, folded) for part in node.parts)
        case Either():
            return _either([_known(part, folded) for part in node.parts])
        case Repeat():
            return _repeated(_known(node.part, folded), node.least, node.most)


def _one(node: One, folded: bool) -> _Known:
    if not node.chars:
        return _ANYTHING
    if folded:
        return _Known(frozenset(char.casefold() for char in node.chars))
    cased = node.fold and any(char.lower() != char.upper() for char in node.chars)
    return _ANYTHING if cased else _Known(node.chars)


def _chained(parts: Iterable[_Known]) -> _Known:
    """Several parts one after the other: literals grow first, for the long ones say most."""
    runs: list[_Known] = [_Known(_EMPTY)]
    for part in parts:
        before = runs[-1].whole
        if before is not None and part.whole is not None and len(before) * len(part.whole) <= MOST_STRINGS:
            runs[-1] = _Known(_crossed(before, part.whole))
        else:
            runs.append(part)
    return reduce(_joined, runs)


def _joined(one: _Known, other: _Known) -> _Known:
    """One part and then another, which are not both known as a whole, or are too much together."""
    left, right = _opened(one), _opened(other)
    starts, ends = left.starts, right.ends
    over = _crossed(left.ends, right.starts)
    clauses = left.clauses | right.clauses | {over}
    if one.whole is not None and len(one.whole) * len(right.starts) <= FEW_STRINGS:
        starts = _crossed(one.whole, right.starts)
        clauses |= {starts}
    if other.whole is not None and len(left.ends) * len(other.whole) <= FEW_STRINGS:
        ends = _crossed(left.ends, other.whole)
        clauses |= {ends}
    return _Known(None, _cut(starts, at_end=False), _cut(ends, at_end=True), _best(clauses))


def _either(parts: list[_Known]) -> _Known:
    """One of several parts."""
    if all(part.whole is not None for part in parts):
        whole = frozenset(text for part in parts for text in part.whole or ())
        if len(whole) <= MOST_STRINGS:
            return _Known(whole)
    opened = [_opened(part) for part in parts]
    clauses = opened[0].clauses
    for one in opened[1:]:  # (a and b) or (c and d): a or c, and a or d, and b or c, and b or d
        clauses = _best(frozenset(a | b for a, b in product(clauses, one.clauses)))
    starts = frozenset(text for part in opened for text in part.starts)
    ends = frozenset(text for part in opened for text in part.ends)
    return _Known(None, _cut(starts, at_end=False), _cut(ends, at_end=True), clauses)


def _repeated(part: _Known, least: int, most: int | None) -> _Known:
    if most == 0:
        return _Known(_EMPTY)
    if least == 0:
        return _either([part, _Known(_EMPTY)]) if most == 1 else _ANYTHING
    found = _chained([part] * min(least, UNROLLED))
    if least == most and least <= UNROLLED:
        return found
    # More may follow: it begins as the least does, and ends as one does.
    opened, once = _opened(found), _opened(part)
    return _Known(None, opened.starts, once.ends, opened.clauses)


def _opened(part: _Known) -> _Known:
    """The same, told by beginnings and ends."""
    if part.whole is None:
        return part
    return _Known(None, _cut(part.whole, at_end=False), _cut(part.whole, at_end=True), _best(frozenset((part.whole,))))


def _crossed(one: Strings, other: Strings) -> Strings:
    return frozenset(a + b for a, b in product(one, other))


def _cut(strings: Strings, *, at_end: bool) -> Strings:
    """Beginnings or ends, as short as it takes for them to be few."""
    for size in range(EDGE_CHARS, 0, -1):
        short = frozenset(text[-size:] if at_end else text[:size] for text in strings)
        if len(short) <= FEW_STRINGS:
            return short
    return _EMPTY


def _best(clauses: Clauses) -> Clauses:
    """The clauses that say most, no more than are worth asking."""
    return frozenset(_by_worth(clauses)[:MOST_CLAUSES])


def _by_worth(clauses: Clauses) -> list[Strings]:
    """The clauses that say something: those of long literals first, then those of few."""
    few = [clause for clause in clauses if 0 < len(clause) <= MOST_STRINGS]
    telling = [clause for clause in few if all(len(text.encode("utf-8", "replace")) >= SHORTEST for text in clause)]
    return sorted(telling, key=lambda clause: (-min(map(len, clause)), len(clause), sorted(clause)))
