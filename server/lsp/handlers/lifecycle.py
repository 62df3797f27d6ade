"""initialized, settings and folders that change, and the user's wish to stop something."""

import asyncio
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from kibitz.server.errors import ConfigError
from kibitz.server.lsp.handlers.follow import follow, what_is_followed
from kibitz.server.lsp.places import path_of

if TYPE_CHECKING:
    from kibitz.server.lsp.server import KibitzServer

_GHOST_TEXT = "kibitz.server.completion.ghost"


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(lsp.INITIALIZED)(initialized)
    ls.feature(lsp.WINDOW_WORK_DONE_PROGRESS_CANCEL)(cancel_progress)
    ls.feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)(did_change_configuration)
    ls.feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)(did_change_folders)


def initialized(ls: "KibitzServer", params: lsp.InitializedParams | None) -> None:
    """Index the folders in the background, and follow them; load what the first key press needs."""
    ls.session.in_background(asyncio.create_task(asyncio.to_thread(importlib.import_module, _GHOST_TEXT)))
    for folder in ls.session.folders:
        follow(ls, folder)


def cancel_progress(ls: "KibitzServer", params: lsp.WorkDoneProgressCancelParams) -> None:
    """Stop the work that a progress bar shows."""
    ls.session.cancellations.cancel(params.token)


async def did_change_configuration(ls: "KibitzServer", params: lsp.DidChangeConfigurationParams) -> None:
    """Take over settings that are sent; clients that only ring the bell send none."""
    settings: Any = params.settings
    if isinstance(settings, Mapping):
        settings = settings.get("kibitz")
    if not isinstance(settings, Mapping):
        return
    before = {folder: what_is_followed(folder) for folder in ls.session.folders}
    try:
        await ls.session.folders.reconfigure(settings)
    except ConfigError as error:
        _show(ls, error)
    for folder, followed in before.items():
        if folder in ls.session.folders and what_is_followed(folder) != followed:
            follow(ls, folder)


async def did_change_folders(ls: "KibitzServer", params: lsp.DidChangeWorkspaceFoldersParams) -> None:
    """Close and open folders."""
    removed, added = (
        [path for folder in folders if (path := path_of(folder.uri)) is not None]
        for folders in (params.event.removed, params.event.added)
    )
    try:
        made = await ls.session.folders.change(removed, added)
    except ConfigError as error:
        _show(ls, error)
        return
    for folder in made:
        follow(ls, folder)


def _show(ls: "KibitzServer", error: ConfigError) -> None:
    """Pop up a wrong setting: the user has just changed it."""
    ls.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Error, str(error)))
