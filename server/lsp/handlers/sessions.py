"""kibitz/sessions: the chat sessions that are kept; kibitz/mentions: what may follow in a question."""

import asyncio
from typing import TYPE_CHECKING, Any

from kibitz.server.lsp import methods

if TYPE_CHECKING:
    from kibitz.server.lsp.server import KibitzServer


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(methods.SESSIONS)(sessions)
    ls.feature(methods.MENTIONS)(mentions)


async def sessions(ls: "KibitzServer", params: methods.SessionsParams) -> dict[str, Any]:
    """List the sessions, or return, rename or delete one."""
    kept = ls.session.asked_folder(params.folder).app.sessions
    if not params.id:
        return {"sessions": [each.summary() for each in await asyncio.to_thread(kept.all)]}
    if params.delete:
        await asyncio.to_thread(kept.delete, params.id)
        return {"deleted": params.id}
    if params.title:
        return {"session": (await asyncio.to_thread(kept.rename, params.id, params.title)).as_json()}
    return {"session": (await asyncio.to_thread(kept.get, params.id)).as_json()}


async def mentions(ls: "KibitzServer", params: methods.MentionsParams) -> dict[str, Any]:
    """Return what may be inserted, each in place of as many characters before the cursor as `replaces` says."""
    offered = await ls.session.asked_folder(params.folder).app.suggestions(params.text)
    items = [
        {
            "label": each.label,
            "insertText": each.insert,
            "kind": each.kind,
            "detail": each.detail,
            "replaces": each.length,
        }
        for each in offered
    ]
    return {"items": items}
