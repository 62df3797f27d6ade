"""What the editor says became of ghost text, and taking a part of it, for editors that cannot do that themselves."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.lsp import failures
from kibitz.server.lsp.failures import RequestError
from kibitz.server.lsp.handlers.completion import ACCEPTED
from kibitz.server.lsp.places import place

if TYPE_CHECKING:
    from kibitz.server.completion.through import Held
    from kibitz.server.lsp.documents import Document
    from kibitz.server.lsp.server import KibitzServer


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.command(ACCEPTED)(accepted)
    ls.command("kibitz.acceptedPart")(accepted_part)
    ls.command("kibitz.acceptWord")(accept_word)
    ls.command("kibitz.acceptLine")(accept_line)


async def accepted(ls: "KibitzServer", *arguments: Any) -> None:
    """Count a suggestion as taken, look later whether it has stayed, and ask for what follows it."""
    session = ls.session
    found = session.ghost.accepted(_number(arguments))
    document = session.documents.find(found[0]) if found else None
    if found is None or document is None:
        return
    uri, held = found
    session.in_background(asyncio.create_task(session.ghost.look_again(held, lambda: _text_of(ls, uri))))
    if (at := _behind(ls, document, held)) is not None:
        session.ghost.look_ahead(uri, at)


async def accepted_part(ls: "KibitzServer", *arguments: Any) -> None:
    """Count a suggestion of which a part was taken."""
    ls.session.ghost.partly_accepted(_number(arguments))


async def accept_word(ls: "KibitzServer", *arguments: Any) -> dict[str, Any]:
    """Insert the next word of the suggestion at a position."""
    from kibitz.server.completion.through import first_word

    return await _insert(ls, arguments, first_word)


async def accept_line(ls: "KibitzServer", *arguments: Any) -> dict[str, Any]:
    """Insert the rest of the line of the suggestion at a position."""
    from kibitz.server.completion.through import first_line

    return await _insert(ls, arguments, first_line)


async def _insert(ls: "KibitzServer", arguments: tuple[Any, ...], part: Callable[[str], str]) -> dict[str, Any]:
    params: lsp.CompletionParams = ls.protocol.command_params(
        lsp.TEXT_DOCUMENT_COMPLETION, arguments[0] if arguments else None
    )
    session = ls.session
    document = session.documents.get(params.text_document.uri)
    found = session.ghost.left_at(document.uri, session.snapshot(document, place(params.position)))
    if found is None:
        return {"applied": False, "failureReason": "No suggestion is shown here."}
    number, left = found
    text = part(left)
    edit = lsp.TextEdit(range=lsp.Range(params.position, params.position), new_text=text)
    answer = await ls.workspace_apply_edit_async(
        lsp.ApplyWorkspaceEditParams(edit=lsp.WorkspaceEdit(changes={document.uri: [edit]}), label="Kibitz")
    )
    if not answer.applied:
        return {"applied": False, "failureReason": answer.failure_reason or "The editor did not apply the edit."}
    session.ghost.partly_accepted(number)
    return {"applied": True, "text": text}


def _number(arguments: tuple[Any, ...]) -> int:
    if not arguments or type(arguments[0]) is not int:
        raise RequestError(failures.INVALID_PARAMS, "The command takes the number that the item's own command has.")
    return arguments[0]


def _text_of(ls: "KibitzServer", uri: str) -> str | None:
    document = ls.session.documents.find(uri)
    return document.text if document is not None else None


def _behind(ls: "KibitzServer", document: "Document", held: "Held") -> Snapshot | None:
    """Return the document with the cursor behind the answer that was taken; None: it does not stand there (yet)."""
    at = Snapshot(
        ls.session.folder_of(document).path_in(document.uri), document.version, document.text, "", document.language
    )
    text = at.with_line_feeds().prefix
    for taken in held.texts:
        whole = held.place.before + taken + held.place.after
        start = text.find(whole)
        if start >= 0 and text.find(whole, start + 1) < 0:
            end = start + len(held.place.before) + len(taken)
            return replace(at, prefix=text[:end], suffix=text[end:])
    return None
