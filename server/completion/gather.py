"""The context of a completion: what of the workspace names the things that are likely to be written next.

Files that have to do with the document are taken apart into cells of a few lines; names in them are weighed by how
likely they are to be written at the cursor, and the cells that bring most for their tokens are shown, whatever file
they are from. Everything works without an index, too, of open documents alone.
"""

import math
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kibitz.server.completion.choose import KEEP, Chosen, choose
from kibitz.server.completion.enclosing import heads
from kibitz.server.completion.likely import NAME, Place, Sources, likelihoods
from kibitz.server.completion.material import HEAD_CHARS, SHOWN_ABOVE, SHOWN_BELOW, Material
from kibitz.server.completion.outlines import outlines
from kibitz.server.completion.related import blobs_of, definers_of
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.completion.wordbook import CHARS_A_TOKEN

if TYPE_CHECKING:
    from kibitz.indexer.lookup import Sources as Files
    from kibitz.indexer.types import Hit
    from kibitz.indexer.view import View
    from kibitz.prompts.templates.context import Context, ContextItem, Definition, RecentEdit

Answering = Callable[[], AbstractContextManager["tuple[View, Files]"]]

SHARE = 0.5  # of a budget that context may take, however long the document is
LEAST_TOKENS = 64  # below which nothing is looked for
DEFINITIONS, DEFINITION_SHARE = 4, 0.2  # names, and the share of the context that their outlines may take
EDITS = 4  # that are shown
GAP = "…\n"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the index at a moment: hits, best first; documents and changes, the newest last.

    A document of which the text is None is read from disk, if the index has it.
    """

    hits: Sequence["Hit"] = ()
    recent: Sequence[tuple[str, str | None]] = ()
    edits: Sequence["RecentEdit"] = ()

    def of(self, files: Collection[str]) -> "Known":
        """Return what is known of these files alone."""
        return Known(
            [hit for hit in self.hits if hit.chunk.path in files],
            [(path, text) for path, text in self.recent if path in files],
            [edit for edit in self.edits if edit.path in files],
        )


@dataclass(frozen=True, slots=True)
class Before:
    """What was shown in a document before: what stays stands where it stood, so that prompts begin alike.

    New definitions come after those that were there; of the other items the last one comes first in a prompt, so that
    new ones, and those that have changed, stand in front.
    """

    path: str = ""
    labels: tuple[str, ...] = ()
    items: "tuple[ContextItem, ...]" = ()
    cells: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(
        cls,
        path: str,
        definitions: "Sequence[Definition]",
        items: "Sequence[ContextItem]",
        chosen: Sequence[Chosen],
    ) -> "Before":
        """Remember what is shown now."""
        return cls(
            path,
            tuple(each.item.label for each in definitions),
            tuple(items),
            frozenset((one.source.path, cell) for one in chosen for cell in one.cells),
        )

    @property
    def names(self) -> frozenset[str]:
        """The names whose definitions were shown."""
        return frozenset(label.rpartition(" ")[2].rpartition(".")[2] for label in self.labels)

    def place_of(self, definition: "Definition") -> int:
        """Return where a definition stood; a new one stands behind all."""
        label = definition.item.label
        return self.labels.index(label) if label in self.labels else len(self.labels)

    def place_of_item(self, item: "ContextItem") -> int:
        """Return where an item stood; a new one stands in front of all."""
        return self.items.index(item) if item in self.items else -1


class Gatherer:
    """Gathers for one workspace; safe to share between threads, which wait for each other."""

    def __init__(self) -> None:
        self._material = Material()
        self._before = Before()
        self._lock = threading.Lock()

    def gather(
        self,
        at: Snapshot,
        known: Known,
        *,
        budget_tokens: int,
        answering: Answering | None = None,
        read_s: float = math.inf,
    ) -> "Context":
        """Return the context of a prompt of a budget, lines near the cursor not among it. Takes some milliseconds.

        `answering` is the index; without it only the document's own lines and open documents serve. Files that were not
        read before are read for `read_s` seconds.

        Raises:
            NotIndexedError: the index turns out to be damaged.
        """
        at = at.with_line_feeds()
        with self._lock:
            self._material.tidy()
            if answering is None:
                return self._gather(at, known, budget_tokens, None, read_s)
            with answering() as index:
                return self._gather(at, known, budget_tokens, index, read_s)

    def outlines(self, path: str, text: str, budget_tokens: float, answering: Answering) -> "list[Definition]":
        """Return the outlines of what a part of a file names most and the index knows the definitions of.

        Raises:
            NotIndexedError: the index turns out to be damaged.
        """
        names = Counter(NAME.findall(text))
        with answering() as (view, files):
            return _definitions(names, definers_of(view, path, list(names)), view, files, budget_tokens)

    def _gather(
        self, at: Snapshot, known: Known, budget_tokens: int, index: "tuple[View, Files] | None", read_s: float
    ) -> "Context":
        from kibitz.prompts.templates.context import Context

        above, below = at.prefix.split("\n"), at.suffix.split("\n")
        near = [*above[-SHOWN_ABOVE:], *below[:SHOWN_BELOW]]
        enclosing = _enclosing(at.path, above)
        room = _room([*above, *below], near, budget_tokens) - sum(_size(item) for item in enclosing)
        if room < LEAST_TOKENS:
            return Context(items=enclosing)
        place = Place.of(at)
        before = self._before if self._before.path == at.path else Before()
        sources = list(self._material.own(at.path, above, below))
        definitions: list[Definition] = []
        if index is None:
            sources += self._material.open(at.path, known.recent)
        else:
            places = definers_of(index[0], at.path, list(place.names()))
            names = {name: count * (KEEP if name in before.names else 1) for name, count in place.names().items()}
            definitions = _definitions(names, places, *index, DEFINITION_SHARE * room)
            definitions.sort(key=before.place_of)
            room -= sum(_size(each.item) for each in definitions)
            sources += self._material.others(
                at.path,
                at.prefix[:HEAD_CHARS],
                *index,
                hits=known.hits,
                recent=known.recent,
                definers=_definers(places),
                read_s=read_s,
            )
        every, book = Sources.of(sources), self._material.book
        shown = {name for line in near for name in NAME.findall(line)}
        shown.update(name for each in definitions for name in NAME.findall(each.item.text))
        edits = _edits(at.path, len(above), known.edits, index[0] if index is not None else None)
        room -= sum(_size(edit.item) for edit in edits)
        chosen = choose(every, likelihoods(place, every, book, shown), room, before.cells)
        items = sorted(map(_item, chosen), key=before.place_of_item)
        self._before = Before.of(at.path, definitions, items, chosen)
        return Context(items=[*enclosing, *items], definitions=definitions, edits=edits)


def _definitions(
    names: Mapping[str, float], places: Mapping[str, Sequence[str]], view: "View", files: "Files", room: float
) -> "list[Definition]":
    """Return the outlines of the names that count most, as many as there is room for."""
    found: list[Definition] = []
    for name in sorted(places, key=lambda one: -names[one])[:DEFINITIONS]:
        for path, blob in blobs_of(view, places[name][:1]).items():
            for each in outlines(path, files.symbols(path, blob), [name]):
                room -= _size(each.item)
                if room >= 0:
                    found.append(each)
    return found


def _edits(path: str, line: int, edits: "Sequence[RecentEdit]", view: "View | None") -> "list[RecentEdit]":
    """Return the last changes of files that the index has, but for those whose lines are shown anyway."""
    indexed = None if view is None else blobs_of(view, {edit.path for edit in edits})
    first, last = line - SHOWN_ABOVE, line + SHOWN_BELOW
    return [
        edit
        for edit in edits
        if (indexed is None or edit.path in indexed)
        and (edit.path != path or edit.end_line < first or edit.start_line > last)
    ][-EDITS:]


def _definers(places: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Return how much of what is named near the cursor each file defines."""
    found: dict[str, float] = {}
    for paths in places.values():
        for path in paths:
            found[path] = min(1.0, found.get(path, 0.0) + 0.5 / len(paths))
    return found


def _enclosing(path: str, above: Sequence[str]) -> "list[ContextItem]":
    """Return the heads of what the cursor is in that are too far away to be shown among the lines near it."""
    from kibitz.prompts.templates.context import ContextItem

    indent = len(above[-1]) - len(above[-1].lstrip()) if above[-1].strip() else len(above[-1])
    far = [at for at in heads(above[:-1], indent) if at < len(above) - SHOWN_ABOVE]
    if not far:
        return []
    return [ContextItem(f"around {path}:{len(above)}", "".join(f"{above[at]}\n" for at in far), path, path)]


def _item(one: Chosen) -> "ContextItem":
    """Return the chosen lines of a file as one item, with a mark where some are left out."""
    from kibitz.prompts.templates.context import ContextItem

    path, rows, first = one.source.path, one.source.text.rows, one.source.first
    text = GAP.join("".join(rows[start:end]) for start, end in one.spans)
    start, end = first + one.spans[0][0] + 1, first + one.spans[-1][1]
    place = f"{path}:{start}-{end}"
    if len(one.spans) == 1:
        return ContextItem(place, text, place, path, start, end)
    return ContextItem(f"{place} (parts)", text, path, path)


def _room(document: Sequence[str], near: Sequence[str], budget_tokens: int) -> float:
    """Return the tokens for context: a share, or all that a short document leaves, but not the room of what is near."""
    rest = budget_tokens - _tokens(document) if len(document) < budget_tokens else 0  # a line takes a token at least
    return min(max(SHARE * budget_tokens, rest), budget_tokens - _tokens(near))


def _size(item: "ContextItem") -> float:
    return _tokens([item.path, *item.text.split("\n")])


def _tokens(lines: Sequence[str]) -> float:
    return sum(len(line.strip()) / CHARS_A_TOKEN + 1 for line in lines)
