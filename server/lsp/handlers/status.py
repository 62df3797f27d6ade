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
    """Answer with the first folder's state, the session's, and that of each folder."""
    session = ls.session
    folders = list(session.folders)
    first, (state, message), documents = session.folders.first, session.told, len(session.documents)
    watching = [(folder.watching, folder.rounds.running) for folder in folders]
    of_first, *others = await asyncio.gather(  # it looks at the disk
        *(asyncio.to_thread(folder.app.status) for folder in folders or [first])
    )
    each = [
        {**of_app, "uri": folder.root.as_uri() if folder.root else None, "watching": how, "indexing": running}
        for folder, of_app, (how, running) in zip(folders, [of_first, *others], watching, strict=bool(folders))
    ]
    return {
        **of_first,
        "indexing": any(running for _, running in watching),
        "watching": first.watching,
        "state": state or "ready",
        "message": message,
        "open_documents": documents,
        "folders": each,
    }
