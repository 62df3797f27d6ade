"""Changes that were made and wait to be accepted or rejected, followed while the text round them changes.

Accepting one only forgets it; rejecting one puts the lines back that were there before. Whoever types within a change
has made it their own: it waits no longer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kibitz.indexer.types import Span
from kibitz.server.edit.change import Replacement
from kibitz.server.edit.lines import split_lines

At = tuple[int, int]
"""A line, from 0, and a column in whatever unit."""


@dataclass(frozen=True, slots=True)
class Pending:
    """One change: the lines `new` stand from `start` on now, `old` stood there before."""

    number: int
    start: int
    old: str
    new: str

    @property
    def span(self) -> Span:
        """The lines that it has now; none of them where lines were taken out."""
        return Span(self.start, self.start + len(split_lines(self.new)))


def pending_of(before: str, replacements: Sequence[Replacement], first: int) -> tuple[Pending, ...]:
    """Return the changes that replacements have made in a text, numbered from `first` on."""
    lines = split_lines(before)
    found, grown = [], 0
    for number, change in enumerate(replacements, first):
        start, end = change.span.start, change.span.end
        found.append(Pending(number, start + grown, "".join(lines[start:end]), change.text))
        grown += len(split_lines(change.text)) - (end - start)
    return tuple(found)


def followed(
    pending: Sequence[Pending], start: At, end: At, text: str, lines: Sequence[str] = ()
) -> tuple[Pending, ...]:
    """Return where changes stand once the text from `start` to `end` has been replaced; those touched are left out.

    So is one that took lines out which are back in `lines`, the document afterwards: the user has undone it.
    """
    grown = len(split_lines(f"{text}.")) - 1 - (end[0] - start[0])
    whole_lines = start[1] == 0 and end[1] == 0 and (not text or text.endswith(("\n", "\r")))
    found = []
    for each in pending:
        if not each.new and grown > 0 and _is_back(each, grown, start[0], lines):
            continue
        above = end[0] < each.start or (end[0] == each.start and whole_lines)
        if above:
            found.append(replace(each, start=each.start + grown))
        elif start[0] >= each.span.end:
            found.append(each)
    return tuple(found)


def _is_back(each: Pending, grown: int, line: int, lines: Sequence[str]) -> bool:
    """Whether lines that were taken out stand there again after so many came at a line.

    Editors that compare texts may say that they came some lines above or below, where like ones stand.
    """
    count = len(split_lines(each.old))
    return (
        grown == count
        and abs(line - each.start) <= count
        and "".join(lines[each.start : each.start + count]) == each.old
    )


def still_there(pending: Sequence[Pending], lines: Sequence[str]) -> tuple[Pending, ...]:
    """Return those of which a document's lines hold what they are to hold."""
    return tuple(each for each in pending if "".join(lines[each.span.start : each.span.end]) == each.new)
