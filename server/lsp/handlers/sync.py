"""textDocument/didOpen, didChange, didClose, didSave: the documents as the editor has them."""

from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from kibitz.server.lsp.documents import Change
from kibitz.server.lsp.handlers.follow import changed
from kibitz.server.lsp.places import place, relative_path

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
    ls.session.documents.change(params.text_document.uri, params.text_document.version, changes)


def did_close(ls: "KibitzServer", params: lsp.DidCloseTextDocumentParams) -> None:
    """Forget the document."""
    ls.session.documents.close(params.text_document.uri)


def did_save(ls: "KibitzServer", params: lsp.DidSaveTextDocumentParams) -> None:
    """Tell what follows the disk, which may hear of it later, or not at all."""
    path = relative_path(params.text_document.uri, ls.session.root)
    changed(ls, [path])


def _change(event: lsp.TextDocumentContentChangeEvent) -> Change:
    if isinstance(event, lsp.TextDocumentContentChangePartial):
        return Change(event.text, place(event.range.start), place(event.range.end))
    return Change(event.text)
