"""kibitz/status: what is indexed and which model answers."""

import asyncio
from typing import TYPE_CHECKING, Any

from kibitz.server.lsp import methods

if TYPE_CHECKING:
    from kibitz.server.lsp.server import KibitzServer


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(methods.STATUS)(status)


async def status(ls: "KibitzServer", params: methods.StatusParams) -> dict[str, Any]:
    """Answer with the app's state and the session's."""
    session = ls.session
    watching = session.watching
    indexing, (state, message), documents = session.rounds.running, session.told, len(session.documents)
    app_state = await asyncio.to_thread(session.app.status)  # it looks at the disk
    return {
        **app_state,
        "indexing": indexing,
        "watching": watching,
        "state": state or "ready",
        "message": message,
        "open_documents": documents,
    }
