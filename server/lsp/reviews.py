"""The changes that wait in a session's documents to be accepted or rejected."""

import asyncio
from collections.abc import Sequence

from kibitz.server.edit.change import Replacement
from kibitz.server.edit.review import Pending, followed, pending_of, still_there
from kibitz.server.lsp.documents import Change, Document, split_lines

LATE = 5  # notifications of changes after which an edit that was applied has been told


class Reviews:
    """By the URIs of documents, each document's from the top down.

    An editor may say that it has applied an edit before it tells what has changed: the edit is expected then.
    """

    def __init__(self) -> None:
        self._pending: dict[str, tuple[Pending, ...]] = {}
        self._expected: dict[str, tuple[tuple[Pending, ...], int]] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._next = 1

    def turn(self, uri: str) -> asyncio.Lock:
        """Return what lets one rejection at a time change a document: the next one is for the text after it."""
        return self._turns.setdefault(uri, asyncio.Lock())

    def begin(self, document: Document, before: str, replacements: Sequence[Replacement]) -> None:
        """Let changes wait that were just made in a document; what was typed over since does not."""
        made = pending_of(before, replacements, self._next)
        self._next += len(made)
        if len(still_there(made, split_lines(document.text))) < len(made):
            self._expected[document.uri] = (made, LATE)
        else:
            self._join(document, made)

    def _join(self, document: Document, made: tuple[Pending, ...]) -> None:
        both = (*self.of(document), *still_there(made, split_lines(document.text)))
        self._keep(document.uri, tuple(sorted(both, key=lambda each: each.start)))

    def of(self, document: Document) -> tuple[Pending, ...]:
        """Return what waits in a document, as far as it still stands there."""
        waiting = self._pending.get(document.uri, ())
        if not waiting:
            return ()
        self._keep(document.uri, still_there(waiting, split_lines(document.text)))
        return self._pending.get(document.uri, ())

    def changed(self, document: Document, changes: Sequence[Change]) -> bool:
        """Follow what was changed in a document; tell whether an expected edit is there now."""
        uri = document.uri
        waiting = self._pending.get(uri, ())
        lines = split_lines(document.text) if waiting else []
        for change in changes if waiting else ():
            if change.start is None or change.end is None:
                waiting = ()
            else:
                first, last = sorted((change.start, change.end))
                start, end = (first.line, first.character), (last.line, last.character)
                waiting = followed(waiting, start, end, change.text, lines)
        self._keep(uri, waiting)
        made, left = self._expected.pop(uri, ((), 0))
        if not made:
            return False
        if left > 1 and len(still_there(made, split_lines(document.text))) < len(made):
            self._expected[uri] = (made, left - 1)
            return False
        self._join(document, made)
        return True

    def settle(self, uri: str, numbers: Sequence[int]) -> None:
        """Let changes wait no longer."""
        self._keep(uri, tuple(each for each in self._pending.get(uri, ()) if each.number not in numbers))

    def forget(self, uri: str) -> None:
        """Let go of a document that was closed."""
        self._pending.pop(uri, None)
        self._expected.pop(uri, None)
        self._turns.pop(uri, None)

    def _keep(self, uri: str, pending: tuple[Pending, ...]) -> None:
        if pending:
            self._pending[uri] = pending
        else:
            self._pending.pop(uri, None)
