"""initialized, folders that change, and the user's wish to stop something."""

import asyncio
import importlib
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from kibitz.server.errors import ConfigError
from kibitz.server.lsp.handlers.configuration import listen, pull, show
from kibitz.server.lsp.handlers.follow import follow
from kibitz.server.lsp.places import path_of

if TYPE_CHECKING:
    from kibitz.server.lsp.server import KibitzServer

_GHOST_TEXT = "kibitz.server.completion.ghost"


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(lsp.INITIALIZED)(initialized)
    ls.feature(lsp.WINDOW_WORK_DONE_PROGRESS_CANCEL)(cancel_progress)
    ls.feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)(did_change_folders)


async def initialized(ls: "KibitzServer", params: lsp.InitializedParams | None) -> None:
    """Index the folders in the background, and follow them; load what the first key press needs."""
    ls.session.in_background(asyncio.create_task(asyncio.to_thread(importlib.import_module, _GHOST_TEXT)))
    await pull(ls)
    for folder in ls.session.folders:
        if folder.following is None:
            follow(ls, folder)
    await listen(ls)


def cancel_progress(ls: "KibitzServer", params: lsp.WorkDoneProgressCancelParams) -> None:
    """Stop the work that a progress bar shows."""
    ls.session.cancellations.cancel(params.token)


async def did_change_folders(ls: "KibitzServer", params: lsp.DidChangeWorkspaceFoldersParams) -> None:
    """Close and open folders."""
    removed, added = (
        [path for folder in folders if (path := path_of(folder.uri)) is not None]
        for folders in (params.event.removed, params.event.added)
    )
    try:
        made = await ls.session.folders.change(removed, added)
    except ConfigError as error:
        show(ls, error)
        return
    await pull(ls)
    for folder in made:
        if folder in ls.session.folders and folder.following is None:
            follow(ls, folder)
