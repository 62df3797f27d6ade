"""notebookDocument/*: a notebook's cells are documents, which stand where their notebook stands."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from kibitz.server.lsp.handlers.follow import changed_on_disk
from kibitz.server.lsp.handlers.sync import change_of

if TYPE_CHECKING:
    from kibitz.server.lsp.server import KibitzServer

SYNC = lsp.NotebookDocumentSyncOptions([lsp.NotebookDocumentFilterWithNotebook("*")], save=True)


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(lsp.NOTEBOOK_DOCUMENT_DID_OPEN)(did_open)
    ls.feature(lsp.NOTEBOOK_DOCUMENT_DID_CHANGE)(did_change)
    ls.feature(lsp.NOTEBOOK_DOCUMENT_DID_SAVE)(did_save)
    ls.feature(lsp.NOTEBOOK_DOCUMENT_DID_CLOSE)(did_close)


def did_open(ls: "KibitzServer", params: lsp.DidOpenNotebookDocumentParams) -> None:
    """Take the cells in."""
    _open(ls, params.cell_text_documents, params.notebook_document.uri)


def did_change(ls: "KibitzServer", params: lsp.DidChangeNotebookDocumentParams) -> None:
    """Take in cells that are new, forget those that are gone, and apply the changes of the others, in order."""
    cells = params.change.cells
    if cells is None:
        return
    documents = ls.session.documents
    if cells.structure is not None:
        for closed in cells.structure.did_close or ():
            documents.close(closed.uri)
        _open(ls, cells.structure.did_open or (), params.notebook_document.uri)
    for content in cells.text_content or ():
        documents.change(content.document.uri, content.document.version, [change_of(one) for one in content.changes])


def did_save(ls: "KibitzServer", params: lsp.DidSaveNotebookDocumentParams) -> None:
    """Look at the notebook's file."""
    changed_on_disk(ls, [params.notebook_document.uri])


def did_close(ls: "KibitzServer", params: lsp.DidCloseNotebookDocumentParams) -> None:
    """Forget the cells, whether all of them are named or not."""
    for cell in params.cell_text_documents:
        ls.session.documents.close(cell.uri)
    ls.session.documents.close_home(params.notebook_document.uri)


def _open(ls: "KibitzServer", cells: Iterable[lsp.TextDocumentItem], notebook: str) -> None:
    for cell in cells:
        ls.session.documents.open(
            cell.uri, cell.text, version=cell.version, language=str(cell.language_id), home=notebook
        )
