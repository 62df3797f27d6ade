"""textDocument/didOpen, didChange, didClose, didSave: the documents as the editor has them."""

from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from kibitz.server.lsp.documents import Change
from kibitz.server.lsp.handlers.follow import changed
from kibitz.server.lsp.places import path_of, place, relative_path

if TYPE_CHECKING:
    from kibitz.server.lsp.server import KibitzServer


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(lsp.TEXT_DOCUMENT_DID_OPEN)(did_open)
    ls.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)(did_change)
    ls.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)(did_close)
    ls.feature(lsp.TEXT_DOCUMENT_DID_SAVE)(did_save)


def did_open(ls: "KibitzServer", params: lsp.DidOpenTextDocumentParams) -> None:
    """Take the document in."""
    opened = params.text_document
    ls.session.documents.open(opened.uri, opened.text, version=opened.version, language=str(opened.language_id))


def did_change(ls: "KibitzServer", params: lsp.DidChangeTextDocumentParams) -> None:
    """Apply the changes, in order."""
    changes = [_change(event) for event in params.content_changes]
    session, uri = ls.session, params.text_document.uri
    session.documents.change(uri, params.text_document.version, changes)
    session.ghost.typed()
    if _is_inside(ls, uri):
        session.ahead.typed(relative_path(uri, session.root), session.documents.get(uri))


def did_close(ls: "KibitzServer", params: lsp.DidCloseTextDocumentParams) -> None:
    """Forget the document."""
    session, uri = ls.session, params.text_document.uri
    session.documents.close(uri)
    session.ghost.forget(uri)
    if _is_inside(ls, uri):
        session.ahead.changed([relative_path(uri, session.root)])  # what was not saved is gone


def did_save(ls: "KibitzServer", params: lsp.DidSaveTextDocumentParams) -> None:
    """Look at the document at once, and tell what follows the disk, which may hear of it later, or not at all."""
    session, uri = ls.session, params.text_document.uri
    if _is_inside(ls, uri):
        path = relative_path(uri, session.root)
        session.ahead.saved(path, session.documents.find(uri))
        changed(ls, [path])


def _is_inside(ls: "KibitzServer", uri: str) -> bool:
    """Whether a document is a file of the workspace that is indexed."""
    root, path = ls.session.root, path_of(uri)
    if root is None or path is None or not ls.session.app.config.index_on_start:
        return False
    return path.is_relative_to(root) or path.resolve().is_relative_to(root.resolve())


def _change(event: lsp.TextDocumentContentChangeEvent) -> Change:
    if isinstance(event, lsp.TextDocumentContentChangePartial):
        return Change(event.text, place(event.range.start), place(event.range.end))
    return Change(event.text)
