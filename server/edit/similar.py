"""Where a block belongs whose surroundings have drifted: the lines that it changes stand there, most others too.

Only the context may differ. A line that the block changes, or that it puts another beside, has to be in the document
as the block says, so that nothing is lost that the model did not see. This is a three-way merge of one place.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from kibitz.indexer.types import Span
from kibitz.server.edit.lines import content, is_blank, split_lines

LEAST_SHARE = 0.6  # of a block's lines that must stand at its place
MARGIN = 0.2  # of a block's lines by which every other place must have fewer
SLACK = 3  # lines that may have come or gone between two lines of a block
MOST_PLACES = 50  # that are weighed; text that stands more often is not unique anyway

_Op = tuple[str, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the result: the document's, or a new one in the block's own indentation."""

    text: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Similar:
    """A place, what shall stand there, and the lines of block and document that were found to be the same."""

    span: Span
    rows: tuple[Row, ...]
    pairs: tuple[tuple[str, str], ...]


def similar(search: Sequence[str], replace: str, lines: Sequence[str], within: Span) -> Similar | None:
    """Find the place of a block by the lines that it changes; None where no place is clearly the best."""
    have = [line.strip() for line in lines[within.start : within.end]]
    wanted = [line.strip() for line in search]
    after = split_lines(replace)
    ops = _operations(search, after)
    runs = _anchors(ops, wanted)
    if not runs or all(i in range(*run) for run in runs for i in range(len(wanted))):
        return None
    starts = _best(wanted, runs, have)
    if starts is None:
        return None
    place = {i: within.start + start + i - run[0] for run, start in zip(runs, starts, strict=True) for i in range(*run)}
    span, rows = _merged(place, ops, after, lines)
    pairs = ((search[i], lines[at]) for i, at in place.items() if not is_blank(search[i]))
    return Similar(span, rows, tuple(pairs))


def _best(wanted: Sequence[str], runs: Sequence[tuple[int, int]], have: Sequence[str]) -> list[int] | None:
    """Return where the runs stand, if enough of the block stands there and clearly less of it anywhere else.

    Anywhere: at the other places of the runs, and at those without them, which the block may have meant as well.
    """
    shares = _shares(wanted, have)
    scored = []
    for starts in _places(wanted, runs, have):
        first = starts[0] - runs[0][0]
        scored.append((max(shares[max(0, first - SLACK) : max(0, first + SLACK) + 1], default=0.0), first, starts))
    if not scored:
        return None
    scored.sort(key=lambda one: one[0], reverse=True)
    share, first, starts = scored[0]
    mine = range(first, first + len(wanted))
    elsewhere = _shares(wanted, ["" if at in mine else line for at, line in enumerate(have)])
    second = max([*elsewhere, *(other for other, _, _ in scored[1:])], default=0.0)
    return starts if share >= LEAST_SHARE and share - second >= MARGIN else None


def _operations(search: Sequence[str], after: Sequence[str]) -> list[_Op]:
    matcher = SequenceMatcher(None, [*map(content, search)], [*map(content, after)], autojunk=False)
    return list(matcher.get_opcodes())


def _anchors(ops: Sequence[_Op], wanted: Sequence[str]) -> list[tuple[int, int]]:
    """Return the runs of lines that have to stand as the block says, [start, end).

    They are what changes and what is beside an insertion. A run of blank lines is no anchor: it grows until it holds
    something.
    """
    runs: list[tuple[int, int]] = []
    for tag, i1, i2, _, _ in ops:
        if tag == "equal":
            continue
        start, end = (max(0, i1 - 1), min(len(wanted), i1 + 1)) if tag == "insert" else (i1, i2)
        while not any(wanted[start:end]) and (start > 0 or end < len(wanted)):
            start, end = max(0, start - 1), min(len(wanted), end + 1)
        if runs and start <= runs[-1][1]:
            first, last = runs.pop()
            start, end = min(first, start), max(last, end)
        runs.append((start, end))
    return runs


def _shares(wanted: Sequence[str], have: Sequence[str]) -> list[float]:
    """Return for each line of the document which share of the block's lines stands in a window from there."""
    need = Counter(line for line in wanted if line)
    size, total = len(wanted) + SLACK, sum(need.values())
    held: Counter[str] = Counter()
    shared = 0
    shares = [0.0] * len(have)
    for number in range(len(have) + size):
        if number < len(have) and have[number] in need:
            held[have[number]] += 1
            shared += held[have[number]] <= need[have[number]]
        gone = number - size
        if 0 <= gone < len(have) and have[gone] in need:
            shared -= held[have[gone]] <= need[have[gone]]
            held[have[gone]] -= 1
        start = number - size + 1
        if 0 <= start < len(have):
            shares[start] = shared / total
    return shares


def _places(wanted: Sequence[str], runs: Sequence[tuple[int, int]], have: Sequence[str]) -> list[list[int]]:
    """Return where all runs stand, each about as far from the one before as in the block."""
    found = [[start] for start in _standing(wanted, runs[0], have, range(len(have)))]
    for before, run in pairwise(runs):
        if len(found) > MOST_PLACES:
            return []
        longer = []
        for starts in found:
            end = starts[-1] + before[1] - before[0]
            expected = end + run[0] - before[1]
            near = range(max(end, expected - SLACK), expected + SLACK + 1)
            longer += [[*starts, start] for start in _standing(wanted, run, have, near)]
        found = longer
    return found if len(found) <= MOST_PLACES else []


def _standing(wanted: Sequence[str], run: tuple[int, int], have: Sequence[str], where: range) -> list[int]:
    text = list(wanted[run[0] : run[1]])
    return [start for start in where if list(have[start : start + len(text)]) == text]


def _merged(
    place: Mapping[int, int], ops: Sequence[_Op], after: Sequence[str], lines: Sequence[str]
) -> tuple[Span, tuple[Row, ...]]:
    """Make the block's changes at a place, from its first anchor to its last; between anchors the document stays.

    `place` has the document's line for each line of the block that is in an anchor.
    """
    span = Span(min(place.values()), max(place.values()) + 1)
    rows: list[Row] = []
    at = span.start  # the next line of the document
    for tag, i1, i2, j1, j2 in ops:
        if tag == "equal":
            continue
        stop = place[i1] if i1 in place else place[i1 - 1] + 1
        rows += [Row(line, is_new=False) for line in lines[at:stop]]
        rows += [Row(line, is_new=True) for line in after[j1:j2]]
        at = stop + i2 - i1
    rows += [Row(line, is_new=False) for line in lines[at : span.end]]
    return span, tuple(rows)
