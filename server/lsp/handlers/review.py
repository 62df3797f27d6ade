"""Accepting and rejecting the changes of an edit one by one: lenses above them, commands, and `kibitz/hunks`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from kibitz.server.edit.change import Edit, Replacement
from kibitz.server.errors import EditError
from kibitz.server.lsp import methods
from kibitz.server.lsp.failures import RequestError
from kibitz.server.lsp.workspace_edit import Change, workspace_edit

if TYPE_CHECKING:
    from kibitz.server.edit.review import Pending
    from kibitz.server.lsp.documents import Document
    from kibitz.server.lsp.server import KibitzServer

ACCEPT, REJECT = "kibitz.acceptHunk", "kibitz.rejectHunk"
ACCEPT_ALL, REJECT_ALL = "kibitz.acceptAll", "kibitz.rejectAll"


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(methods.HUNKS)(hunks)
    ls.feature(lsp.TEXT_DOCUMENT_CODE_LENS, lsp.CodeLensOptions())(code_lens)
    ls.command(ACCEPT)(accept)
    ls.command(REJECT)(reject)
    ls.command(ACCEPT_ALL)(accept)
    ls.command(REJECT_ALL)(reject)


async def hunks(ls: "KibitzServer", params: methods.HunksParams) -> dict[str, Any]:
    """Return the changes that wait in a document, from the top down."""
    document = ls.session.documents.get(params.text_document.uri)
    return {
        "hunks": [
            {"id": each.number, "range": _range(document, each), "old": each.old, "new": each.new}
            for each in ls.session.reviews.of(document)
        ]
    }


async def code_lens(ls: "KibitzServer", params: lsp.CodeLensParams) -> list[lsp.CodeLens]:
    """Offer to accept and to reject above each change that waits, and above the first one all of them."""
    document = ls.session.documents.find(params.text_document.uri)
    waiting = ls.session.reviews.of(document) if document is not None else ()
    if document is None or not waiting:
        return []
    lenses: list[lsp.CodeLens] = []
    for each in waiting:
        offers: list[tuple[str, str, int | None]] = [("Accept", ACCEPT, each.number), ("Reject", REJECT, each.number)]
        if each is waiting[0] and len(waiting) > 1:
            offers += [(f"Accept all {len(waiting)}", ACCEPT_ALL, None), ("Reject all", REJECT_ALL, None)]
        for title, name, number in offers:
            argument = {"textDocument": {"uri": document.uri}, **({"id": number} if number is not None else {})}
            command = lsp.Command(title=title, command=name, arguments=[argument])
            lenses.append(lsp.CodeLens(range=_range(document, each), command=command))
    return lenses


async def accept(ls: "KibitzServer", *arguments: Any) -> dict[str, Any]:
    """Let one change, or all of a document, wait no longer."""
    document, chosen = _chosen(ls, _params(ls, arguments))
    ls.session.reviews.settle(document.uri, [each.number for each in chosen])
    refresh(ls)
    return {"accepted": [each.number for each in chosen]}


async def reject(ls: "KibitzServer", *arguments: Any) -> dict[str, Any]:
    """Put the lines back that were there before one change, or all of a document."""
    params = _params(ls, arguments)
    async with ls.session.reviews.turn(params.text_document.uri):
        return await _put_back(ls, *_chosen(ls, params))


async def _put_back(ls: "KibitzServer", document: "Document", chosen: "Sequence[Pending]") -> dict[str, Any]:
    session = ls.session
    edit = Edit(session.folder_of(document).path_in(document.home), document.text, "")
    back = tuple(Replacement(each.span, each.old) for each in chosen)
    change = Change(edit, document.uri, back, document)
    request = lsp.ApplyWorkspaceEditParams(
        edit=workspace_edit([change], session.documents, session.client, label="Kibitz: reject", confirm=False),
        label="Kibitz: reject",
    )
    try:
        answer = await ls.workspace_apply_edit_async(request)
    except RequestError as error:
        return {"rejected": [], "failureReason": error.message}
    if not answer.applied:
        return {"rejected": [], "failureReason": answer.failure_reason or "The editor did not apply the edit."}
    session.reviews.settle(document.uri, [each.number for each in chosen])
    refresh(ls)
    return {"rejected": [each.number for each in chosen]}


def refresh(ls: "KibitzServer") -> None:
    """Have the editor ask for lenses again, where it can be told to."""
    if ls.session.client.refreshes_lenses:
        ls.workspace_code_lens_refresh(None, lambda _: None)


def _params(ls: "KibitzServer", arguments: tuple[Any, ...]) -> methods.HunksParams:
    params: methods.HunksParams = ls.protocol.command_params(methods.HUNKS, arguments[0] if arguments else None)
    return params


def _chosen(ls: "KibitzServer", params: methods.HunksParams) -> "tuple[Document, Sequence[Pending]]":
    """Return a document and those of its changes that a command is about: one, or all.

    Raises:
        EditError: nothing waits there, or it has been changed since.
    """
    document = ls.session.documents.get(params.text_document.uri)
    waiting = ls.session.reviews.of(document)
    if params.id is not None:
        waiting = tuple(each for each in waiting if each.number == params.id)
    elif params.position is not None:
        line = params.position.line
        waiting = tuple(each for each in waiting if each.start <= line < max(each.span.end, each.start + 1))
    if not waiting:
        raise EditError("No change waits here: it was decided on, or changed since.")
    return document, waiting


def _range(document: "Document", each: "Pending") -> lsp.Range:
    ends = (document.place_of_line(min(line, document.line_count)) for line in (each.span.start, each.span.end))
    start, end = (lsp.Position(place.line, place.character) for place in ends)
    return lsp.Range(start, end)
