"""The changes of an edit one by one, to be taken or left."""

from collections.abc import Collection
from dataclasses import dataclass

from kibitz.indexer.types import Span
from kibitz.server.edit.change import Edit, Replacement, apply
from kibitz.server.edit.lines import split_lines


@dataclass(frozen=True, slots=True)
class Hunk:
    """One change: lines `span` of the edit's old text become `new`; `number` counts from 0."""

    number: int
    span: Span
    old: str
    new: str


def hunks_of(edit: Edit) -> tuple[Hunk, ...]:
    """Return an edit's changes in the order of the text; any of them can be made without the others."""
    lines = split_lines(edit.old)
    return tuple(
        Hunk(number, change.span, "".join(lines[change.span.start : change.span.end]), change.text)
        for number, change in enumerate(edit.replacements())
    )


@dataclass(frozen=True, slots=True)
class Review:
    """An edit of which some hunks are accepted and some rejected; the others are pending.

    Whatever the order, accepting all gives the edit's new text, rejecting all its old one.
    """

    edit: Edit
    hunks: tuple[Hunk, ...]
    accepted: frozenset[int] = frozenset()
    rejected: frozenset[int] = frozenset()

    @property
    def pending(self) -> tuple[Hunk, ...]:
        """Those not decided yet."""
        return tuple(hunk for hunk in self.hunks if hunk.number not in self.accepted | self.rejected)

    @property
    def text(self) -> str:
        """The text with the accepted hunks alone."""
        return apply(self.edit.old, [Replacement(h.span, h.new) for h in self.hunks if h.number in self.accepted])

    def span_now(self, hunk: Hunk) -> Span:
        """Return the lines of a pending hunk in `text`, which the accepted hunks above it have moved."""
        grown = sum(
            len(split_lines(other.new)) - (other.span.end - other.span.start)
            for other in self.hunks
            if other.number in self.accepted and other.number < hunk.number
        )
        return Span(hunk.span.start + grown, hunk.span.end + grown)


def review(edit: Edit) -> Review:
    """Begin to decide on an edit."""
    return Review(edit, hunks_of(edit))


def accept(under: Review, numbers: Collection[int]) -> Review:
    """Accept hunks that are pending.

    Raises:
        ValueError: one is not.
    """
    return Review(under.edit, under.hunks, under.accepted | _pending(under, numbers), under.rejected)


def reject(under: Review, numbers: Collection[int]) -> Review:
    """Reject hunks that are pending.

    Raises:
        ValueError: one is not.
    """
    return Review(under.edit, under.hunks, under.accepted, under.rejected | _pending(under, numbers))


def _pending(under: Review, numbers: Collection[int]) -> frozenset[int]:
    wanted = frozenset(numbers)
    unknown = wanted - {hunk.number for hunk in under.pending}
    if unknown:
        raise ValueError(f"not pending: {sorted(unknown)}")
    return wanted
