"""Edits of several files in the protocol's words: one `WorkspaceEdit`, for the documents as they are now."""

from collections.abc import Sequence
from dataclasses import dataclass

from lsprotocol import types as lsp

from kibitz.server.edit.change import Edit, Replacement
from kibitz.server.errors import EditError
from kibitz.server.lsp.client import ClientFeatures
from kibitz.server.lsp.documents import Document, DocumentStore
from kibitz.server.lsp.rebase import rebase

DocumentChange = lsp.TextDocumentEdit | lsp.CreateFile | lsp.RenameFile | lsp.DeleteFile
TextChange = lsp.TextEdit | lsp.AnnotatedTextEdit | lsp.SnippetTextEdit


@dataclass(frozen=True, slots=True)
class Change:
    """What an edit changes in a file. `document` is None for one that no editor has open; `new_uri` renames it."""

    edit: Edit
    uri: str
    replacements: tuple[Replacement, ...]
    document: Document | None = None
    new_uri: str = ""


def workspace_edit(
    changes: Sequence[Change], documents: DocumentStore, client: ClientFeatures, *, label: str, confirm: bool
) -> lsp.WorkspaceEdit:
    """Put edits into the protocol's words, carried over to what the documents hold now; all of them or none.

    Each file has an annotation of its own, by its path: to make or rename one always wants the user's confirmation.

    Raises:
        EditError: a document has changed where its edit belongs, or was closed.
    """
    if not client.document_changes:
        return lsp.WorkspaceEdit(changes={each.uri: _text_edits(each, documents) for each in changes})
    every: list[DocumentChange] = []
    annotations: dict[str, lsp.ChangeAnnotation] = {}
    for each in changes:
        path = each.edit.path
        every += _document_changes(each, documents, path if client.change_annotations else None)
        wanted = confirm or each.edit.is_new or bool(each.new_uri)
        annotations[path] = lsp.ChangeAnnotation(label=label, needs_confirmation=wanted, description=path)
    return lsp.WorkspaceEdit(
        document_changes=every, change_annotations=annotations if client.change_annotations else None
    )


def versions(changes: Sequence[Change]) -> list[int | None]:
    """Return the versions that the open documents have now."""
    return [each.document.version if each.document is not None else None for each in changes]


def _document_changes(each: Change, documents: DocumentStore, annotation: str | None) -> list[DocumentChange]:
    found: list[DocumentChange] = []
    if each.edit.is_new:
        options = lsp.CreateFileOptions(overwrite=False, ignore_if_exists=False)
        found.append(lsp.CreateFile(uri=each.uri, options=options, annotation_id=annotation))
    if edits := _text_edits(each, documents):
        version = each.document.version if each.document is not None else None
        versioned = lsp.OptionalVersionedTextDocumentIdentifier(uri=each.uri, version=version)
        found.append(
            lsp.TextDocumentEdit(text_document=versioned, edits=[_annotated(one, annotation) for one in edits])
        )
    if each.new_uri:
        renaming = lsp.RenameFileOptions(overwrite=False, ignore_if_exists=False)
        found.append(lsp.RenameFile(old_uri=each.uri, new_uri=each.new_uri, options=renaming, annotation_id=annotation))
    return found


def _annotated(edit: lsp.TextEdit, annotation: str | None) -> TextChange:
    if annotation is None:
        return edit
    return lsp.AnnotatedTextEdit(range=edit.range, new_text=edit.new_text, annotation_id=annotation)


def _text_edits(each: Change, documents: DocumentStore) -> list[lsp.TextEdit]:
    document = each.document
    if each.edit.is_new:
        start = lsp.Position(0, 0)
        return [lsp.TextEdit(range=lsp.Range(start, start), new_text=each.edit.new)] if each.edit.new else []
    if document is None:
        return _of_lines(each.replacements, Document(each.uri, each.edit.old, version=0))
    if documents.find(document.uri) is not document:
        raise EditError("The document was closed while the model answered; nothing was changed.")
    return _of_lines(carried(each, document.text), document)


def _of_lines(replacements: Sequence[Replacement], document: Document) -> list[lsp.TextEdit]:
    return [
        lsp.TextEdit(
            range=lsp.Range(_position(document, lines.span.start), _position(document, lines.span.end)),
            new_text=lines.text,
        )
        for lines in replacements
    ]


def carried(each: Change, now: str) -> tuple[Replacement, ...]:
    """Carry a change over to the text as it is now: past what was typed at one place, else each place by its lines."""
    from kibitz.server.edit.relocate import relocate

    try:
        return rebase(each.edit.old, now, each.replacements)
    except EditError:
        return relocate(each.edit.old, now, each.replacements)


def _position(document: Document, line: int) -> lsp.Position:
    place = document.place_of_line(line)
    return lsp.Position(place.line, place.character)
