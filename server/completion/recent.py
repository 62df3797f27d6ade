"""What somebody did lately in one workspace: the documents that were open, and the changes made in them."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kibitz.prompts.templates.context import RecentEdit

MOST_DOCUMENTS = 20
MOST_EDITS = 8
MOST_EDIT_LINES = 40  # old and new ones: more is no edit by hand


@dataclass(frozen=True, slots=True)
class Replaced:
    """Lines of a document that others took the place of; `first` is 0-based."""

    first: int
    old: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def end(self) -> int:
        """Where the new lines end."""
        return self.first + len(self.new)

    def then(self, after: "Replaced") -> "Replaced | None":
        """Return both as one change, this one first; None where they do not touch."""
        end = after.first + len(after.old)
        if after.first > self.end or end < self.first:
            return None
        lead, tail = after.old[: max(0, self.first - after.first)], after.old[max(0, self.end - after.first) :]
        return Replaced(
            min(self.first, after.first),
            (*lead, *self.old, *tail),
            (*self.new[: max(0, after.first - self.first)], *after.new, *self.new[max(0, end - self.first) :]),
        )

    def moved(self, by: int) -> "Replaced":
        """Return it at another line."""
        return replace(self, first=self.first + by)

    def narrowed(self) -> "Replaced":
        """Return it without the lines at both ends that are the same."""
        least = min(len(self.old), len(self.new))
        head = next((at for at in range(least) if self.old[at] != self.new[at]), least)
        tail = next((at for at in range(least - head) if self.old[-1 - at] != self.new[-1 - at]), least - head)
        old, new = self.old[head : len(self.old) - tail], self.new[head : len(self.new) - tail]
        return Replaced(self.first + head, old, new)


class Recent:
    """Documents and changes, the newest last. For one thread, the event loop's; a key costs what it changes."""

    def __init__(self) -> None:
        self._documents: OrderedDict[str, Callable[[], str] | None] = OrderedDict()
        self._edits: list[tuple[str, Replaced]] = []

    def opened(self, path: str, text: Callable[[], str]) -> None:
        """Take note of a document that is looked at; `text` returns it as the editor has it."""
        self._documents[path] = text
        self._documents.move_to_end(path)
        if len(self._documents) > MOST_DOCUMENTS:
            self._documents.popitem(last=False)

    def changed(self, path: str, text: Callable[[], str], changes: Sequence[Replaced]) -> None:
        """Take note of changes in a document, in their order."""
        self.opened(path, text)
        for change in changes:
            self._change(path, change)

    def closed(self, path: str) -> None:
        """Take note that only the file is left of a document."""
        if path in self._documents:
            self._documents[path] = None

    def documents(self, besides: str) -> list[tuple[str, str | None]]:
        """Return the other documents with their texts, None for one that is closed; the newest last."""
        return [(path, text and text()) for path, text in self._documents.items() if path != besides]

    def edits(self) -> "list[RecentEdit]":
        """Return the changes that are not undone, as lines of a diff; the newest last."""
        from kibitz.prompts.templates.context import RecentEdit

        found: list[RecentEdit] = []
        for path, change in self._edits:
            narrow = change.narrowed()
            if narrow.old or narrow.new:
                rows = [*(f"-{line}" for line in narrow.old), *(f"+{line}" for line in narrow.new)]
                text = "".join(f"{row.rstrip(chr(10) + chr(13))}\n" for row in rows)
                found.append(RecentEdit(path, narrow.first + 1, max(narrow.first + 1, narrow.end), text))
        return found

    def _change(self, path: str, change: Replaced) -> None:
        change = change.narrowed()
        grown = len(change.new) - len(change.old)
        merged, kept = change, []
        for where, one in self._edits:
            if where != path:
                kept.append((where, one))
            elif (both := one.then(change)) is not None:
                merged = both if merged is change else merged
            else:
                kept.append((where, one.moved(grown) if one.first > change.first else one))
        if len(merged.old) + len(merged.new) <= MOST_EDIT_LINES:
            kept.append((path, merged))
        self._edits = kept[-MOST_EDITS:]
