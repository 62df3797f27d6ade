"""kibitz/edit: an instruction becomes an edit that the editor applies as one undoable step."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from kibitz.server.errors import EditError, UnfinishedEditError
from kibitz.server.lsp import failures, methods
from kibitz.server.lsp.documents import Document
from kibitz.server.lsp.failures import RequestError
from kibitz.server.lsp.places import lines_of
from kibitz.server.lsp.progress import work_done
from kibitz.server.lsp.rebase import rebase

if TYPE_CHECKING:
    from kibitz.server.edit.change import Edit, Replacement, Target
    from kibitz.server.lsp.server import KibitzServer
    from kibitz.server.lsp.session import Session

_ATTEMPTS = 2
_ANNOTATION = "kibitz"


@dataclass(frozen=True, slots=True)
class Change:
    """What an edit changes in the text that it was made for."""

    old: str
    replacements: "tuple[Replacement, ...]"


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(methods.EDIT)(edit)


async def edit(ls: "KibitzServer", params: methods.EditParams) -> dict[str, Any]:
    """Propose an edit and, if wanted, have the editor apply it."""
    session = ls.session
    document = session.documents.get(params.text_document.uri)
    wanted = params.text_document.version
    if wanted is not None and wanted != document.version:
        raise RequestError(
            failures.REQUEST_FAILED, f"The document is at version {document.version}, not {wanted}; ask again."
        )
    target = target_of(session, document, params.range)

    def on_delta(text: str) -> None:
        ls.partial(params.partial_result_token, {"delta": text})

    def on_block(part: "Edit") -> None:
        ls.partial(params.partial_result_token, {"delta": "", "diff": part.diff()})

    cut = ""
    async with work_done(ls, "Kibitz: editing", params.work_done_token):
        try:
            proposed = await session.folder_of(document).app.propose(params.instruction, target, on_delta, on_block)
        except UnfinishedEditError as error:
            proposed, cut = error.finished, str(error)
    # Comparing two versions of a long document takes a while.
    change = Change(proposed.old, await asyncio.to_thread(proposed.replacements))
    result: dict[str, Any] = {"applied": False, "diff": await asyncio.to_thread(proposed.diff)}
    if cut:  # a part of what was asked for is offered, never applied
        return {**result, "edit": _workspace_edit(ls, document, change, params), "failureReason": cut}
    if not change.replacements:
        return {**result, "failureReason": "The model proposed no change."}
    if not params.apply:
        return {**result, "edit": _workspace_edit(ls, document, change, params)}
    return {**result, **await _apply(ls, document, change, params)}


def target_of(session: "Session", document: Document, selection: lsp.Range | None) -> "Target":
    """Take what an edit sees, before anything is awaited."""
    from kibitz.server.edit.change import Target

    return Target(
        path=session.folder_of(document).path_in(document.home),
        text=document.text,
        span=lines_of(document, selection),
        language=document.language,
    )


async def _apply(ls: "KibitzServer", document: Document, change: Change, params: methods.EditParams) -> dict[str, Any]:
    """Send the edit; once more if the document moved on between our sending it and the editor's applying it."""
    if not ls.session.client.apply_edit:
        edit = _workspace_edit(ls, document, change, params)
        return {"edit": edit, "failureReason": "The editor does not let a server apply edits."}
    reason = ""
    for _ in range(_ATTEMPTS):
        sent = document.version
        request = lsp.ApplyWorkspaceEditParams(
            edit=_workspace_edit(ls, document, change, params), label=f"Kibitz: {params.instruction[:60]}"
        )
        try:
            answer = await ls.workspace_apply_edit_async(request)
        except RequestError as error:  # an editor may refuse a stale version with an error instead
            reason = error.message
        else:
            if answer.applied:
                return {"applied": True}
            reason = answer.failure_reason or ""
        if document.version == sent:
            break
    return {"failureReason": reason or "The editor did not apply the edit."}


def _workspace_edit(
    ls: "KibitzServer", document: Document, change: Change, params: methods.EditParams
) -> lsp.WorkspaceEdit:
    """Put the edit into the protocol's words, for the document as it is now.

    Raises:
        EditError: the document has changed where the edit belongs, or was closed.
    """
    if ls.session.documents.find(document.uri) is not document:
        raise EditError("The document was closed while the model answered; nothing was changed.")
    replacements = _carried(change, document.text)
    edits = [
        lsp.TextEdit(
            range=lsp.Range(_position(document, lines.span.start), _position(document, lines.span.end)),
            new_text=lines.text,
        )
        for lines in replacements
    ]
    client = ls.session.client
    if not client.document_changes:
        return lsp.WorkspaceEdit(changes={document.uri: edits})
    annotated: list[lsp.TextEdit | lsp.AnnotatedTextEdit | lsp.SnippetTextEdit] = [*edits]
    annotations = None
    if client.change_annotations:
        annotated = [
            lsp.AnnotatedTextEdit(range=edit.range, new_text=edit.new_text, annotation_id=_ANNOTATION) for edit in edits
        ]
        label = f"Kibitz: {params.instruction[:60]}"
        annotations = {_ANNOTATION: lsp.ChangeAnnotation(label=label, needs_confirmation=params.confirm)}
    versioned = lsp.OptionalVersionedTextDocumentIdentifier(uri=document.uri, version=document.version)
    versioned_edit = lsp.TextDocumentEdit(text_document=versioned, edits=annotated)
    return lsp.WorkspaceEdit(document_changes=[versioned_edit], change_annotations=annotations)


def _carried(change: Change, now: str) -> "tuple[Replacement, ...]":
    """Carry a change over to the text as it is now: past what was typed at one place, else each place by its lines."""
    from kibitz.server.edit.relocate import relocate

    try:
        return rebase(change.old, now, change.replacements)
    except EditError:
        return relocate(change.old, now, change.replacements)


def _position(document: Document, line: int) -> lsp.Position:
    place = document.place_of_line(line)
    return lsp.Position(place.line, place.character)
