"""The texts that context is taken from, each taken apart once for each content."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from kibitz.indexer.read import content_rule
from kibitz.server.completion.likely import Source
from kibitz.server.completion.related import blobs_of, imports_of, siblings_of
from kibitz.server.completion.wordbook import Text, Wordbook, read

if TYPE_CHECKING:
    from kibitz.indexer.lookup import Sources as Files
    from kibitz.indexer.types import Hit
    from kibitz.indexer.view import View

MOST_SOURCES = 32
MOST_COMPARED = 25_000  # lines at once
MOST_LINES = 100_000  # of the texts that are remembered, some 30 MB
MOST_WORDS = 300_000  # in the book; then all is read anew
SHOWN_ABOVE, SHOWN_BELOW = 63, 27  # lines that every prompt shows; see prompts.templates.nearby
STEP = 20  # lines: the rest of the document stays the same while the cursor stays nearby
HEAD_CHARS = 6_000  # of a document, where its imports stand
FALL_FOUND, FALL_RECENT = 3.0, 5.0  # ranks after which a hit, or a document, counts half


class Material:
    """Texts by their contents. For one thread at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.book = Wordbook()
        self._clock = clock
        self._texts: OrderedDict[Hashable, Text | None] = OrderedDict()
        self._lines = 0

    def tidy(self) -> None:
        """Begin anew where too many words have come together; between two gatherings."""
        if len(self.book) > MOST_WORDS:
            self.book = Wordbook()
            self._texts.clear()
            self._lines = 0

    def own(self, path: str, above: Sequence[str], below: Sequence[str]) -> Iterator[Source]:
        """The document's lines that no prompt surely shows."""
        end = max(0, len(above) - SHOWN_ABOVE) // STEP * STEP
        start = -(-(len(above) + SHOWN_BELOW) // STEP) * STEP
        for first, rows in ((0, above[:end]), (start, below[start - len(above) + 1 :])):
            if (text := self._of_text(path, "\n".join(rows))) is not None:
                yield Source(path, text, first)

    def others(
        self,
        path: str,
        head: str,
        view: "View",
        files: "Files",
        *,
        hits: Sequence["Hit"],
        recent: Sequence[tuple[str, str | None]],
        definers: Mapping[str, float],
        read_s: float,
    ) -> Iterator[Source]:
        """Files of the index: what was found, what was open lately, what the document imports, names or stands beside.

        Only files of the index are read, and of those that are open the text in the editor. What was not read before is
        read for `read_s` seconds.
        """
        found = _falling(dict.fromkeys(hit.chunk.path for hit in hits), FALL_FOUND)
        used = _falling(dict.fromkeys(one for one, _ in reversed(recent)), FALL_RECENT)
        imported = imports_of(view, path, files.structure(path, head).sites)
        beside = dict.fromkeys(siblings_of(view, path), 1.0)
        related: dict[str, float] = {}
        for kind in (found, used, imported, definers, beside):
            for one, much in kind.items():
                related[one] = related.get(one, 0.0) + much
        related.pop(path, None)
        best = sorted(related, key=lambda one: -related[one])[:MOST_SOURCES]
        open_texts = dict(recent)
        blobs, until, room = blobs_of(view, best), self._clock() + read_s, MOST_COMPARED
        for one in best:
            if one in blobs and (text := self._of_file(one, blobs[one], open_texts.get(one), files, until)) is not None:
                yield Source(one, text)
                room -= len(text.rows)
            if room <= 0:
                break

    def open(self, path: str, recent: Sequence[tuple[str, str | None]]) -> Iterator[Source]:
        """Open documents alone, as long as there is no index."""
        for one, written in recent:
            if one != path and written is not None and (text := self._of_text(one, written)) is not None:
                yield Source(one, text)

    def _of_file(self, path: str, blob: str, written: str | None, files: "Files", until: float) -> Text | None:
        if written is not None:
            return self._of_text(path, written, until)
        return self._kept((path, blob), path, lambda: files.text(path), until)

    def _of_text(self, path: str, text: str, until: float = math.inf) -> Text | None:
        return self._kept((path, len(text), hash(text)), path, lambda: text, until)

    def _kept(self, key: Hashable, path: str, written: Callable[[], str | None], until: float) -> Text | None:
        """Take a text apart that was not there before, while there is time.

        None for one without words, or that a rule leaves out.
        """
        if key in self._texts:
            self._texts.move_to_end(key)
            return self._texts[key]
        if self._clock() > until:
            return None
        text = written()
        admitted = text is not None and not content_rule(path, text)
        taken = read(text, self.book) if admitted and text else None
        kept = self._texts[key] = taken if taken is not None and len(taken.words) else None
        self._lines += _size(kept)
        while self._lines > MOST_LINES and len(self._texts) > 1:
            self._lines -= _size(self._texts.popitem(last=False)[1])
        return kept


def _size(text: Text | None) -> int:
    return 1 + (len(text.rows) if text is not None else 0)


def _falling(ranked: Mapping[str, object], half: float) -> dict[str, float]:
    return {one: 1 / (1 + rank / half) for rank, one in enumerate(ranked)}
