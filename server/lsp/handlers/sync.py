"""textDocument/didOpen, didChange, didClose, didSave: the documents as the editor has them."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from kibitz.server.errors import USER_ERRORS
from kibitz.server.lsp.documents import Change, Document, Place
from kibitz.server.lsp.handlers.follow import changed, is_followed
from kibitz.server.lsp.handlers.review import refresh
from kibitz.server.lsp.pauses import settled
from kibitz.server.lsp.places import place

if TYPE_CHECKING:
    from kibitz.server.lsp.server import KibitzServer

WARM_AFTER_S = 0.2


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(lsp.TEXT_DOCUMENT_DID_OPEN)(did_open)
    ls.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)(did_change)
    ls.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)(did_close)
    ls.feature(lsp.TEXT_DOCUMENT_DID_SAVE)(did_save)


def did_open(ls: "KibitzServer", params: lsp.DidOpenTextDocumentParams) -> None:
    """Take the document in."""
    opened, session = params.text_document, ls.session
    session.documents.open(opened.uri, opened.text, version=opened.version, language=str(opened.language_id))
    if (folder := session.folders.holding(opened.uri)) is not None:
        folder.app.recent.opened(folder.path_in(opened.uri), _text_of(session.documents.get(opened.uri)))
    session.in_background(asyncio.create_task(_warm(ls, session.documents.get(opened.uri))))


async def _warm(ls: "KibitzServer", document: Document) -> None:
    """Get ready for the first key, after what the editor asks at once for a document that it opens."""
    session = ls.session
    at = session.snapshot(document, Place(0, 0))
    await asyncio.sleep(WARM_AFTER_S)
    with contextlib.suppress(*USER_ERRORS):  # the first key tells
        if not session.ghost.off(document.uri, at):
            await session.folder_of(document).app.warm(at)
            settled()


def did_change(ls: "KibitzServer", params: lsp.DidChangeTextDocumentParams) -> None:
    """Apply the changes, in order."""
    session, uri = ls.session, params.text_document.uri
    changes = [change_of(event) for event in params.content_changes]
    replaced = session.documents.change(uri, params.text_document.version, changes)
    if session.reviews.changed(session.documents.get(uri), changes):
        refresh(ls)
    session.ghost.typed()
    folder = session.folders.holding(uri)
    if folder is not None:
        folder.app.recent.changed(folder.path_in(uri), _text_of(session.documents.get(uri)), replaced)
    if folder is not None and is_followed(folder):
        folder.ahead.typed(folder.path_in(uri), session.documents.get(uri))


def did_close(ls: "KibitzServer", params: lsp.DidCloseTextDocumentParams) -> None:
    """Forget the document."""
    session, uri = ls.session, params.text_document.uri
    session.documents.close(uri)
    session.ghost.forget(uri)
    session.reviews.forget(uri)
    folder = session.folders.holding(uri)
    if folder is not None:
        folder.app.recent.closed(folder.path_in(uri))
    if folder is not None and is_followed(folder):
        folder.ahead.changed([folder.path_in(uri)])  # what was not saved is gone


def did_save(ls: "KibitzServer", params: lsp.DidSaveTextDocumentParams) -> None:
    """Look at the document at once, and tell what follows the disk, which may hear of it later, or not at all."""
    session, uri = ls.session, params.text_document.uri
    folder = session.folders.holding(uri)
    if folder is not None and is_followed(folder):
        path = folder.path_in(uri)
        folder.ahead.saved(path, session.documents.find(uri))
        changed(ls, folder, [path])


def change_of(event: lsp.TextDocumentContentChangeEvent) -> Change:
    """Return our value for one content change."""
    if isinstance(event, lsp.TextDocumentContentChangePartial):
        return Change(event.text, place(event.range.start), place(event.range.end))
    return Change(event.text)


def _text_of(document: Document) -> Callable[[], str]:
    return lambda: document.text
