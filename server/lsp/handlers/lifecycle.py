"""initialized, settings and folders that change, and the user's wish to stop something."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from kibitz.server.errors import ConfigError
from kibitz.server.lsp.handlers.follow import follow, what_is_followed
from kibitz.server.lsp.places import path_of

if TYPE_CHECKING:
    from kibitz.server.lsp.server import KibitzServer


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(lsp.INITIALIZED)(initialized)
    ls.feature(lsp.WINDOW_WORK_DONE_PROGRESS_CANCEL)(cancel_progress)
    ls.feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)(did_change_configuration)
    ls.feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)(did_change_folders)


def initialized(ls: "KibitzServer", params: lsp.InitializedParams | None) -> None:
    """Index the workspace in the background, and follow it."""
    follow(ls)


def cancel_progress(ls: "KibitzServer", params: lsp.WorkDoneProgressCancelParams) -> None:
    """Stop the work that a progress bar shows."""
    ls.session.cancellations.cancel(params.token)


async def did_change_configuration(ls: "KibitzServer", params: lsp.DidChangeConfigurationParams) -> None:
    """Take over settings that are sent; clients that only ring the bell send none."""
    settings: Any = params.settings
    if isinstance(settings, Mapping):
        settings = settings.get("kibitz")
    if isinstance(settings, Mapping):
        before = what_is_followed(ls)
        await _reconfigure(ls, settings, ls.session.root)
        if what_is_followed(ls) != before:
            follow(ls)


async def did_change_folders(ls: "KibitzServer", params: lsp.DidChangeWorkspaceFoldersParams) -> None:
    """Follow the first folder when it is closed, or take the first that is opened."""
    root = ls.session.root
    if root is not None and root not in {path_of(folder.uri) for folder in params.event.removed}:
        return
    added = [path for folder in params.event.added if (path := path_of(folder.uri)) is not None]
    await _reconfigure(ls, None, added[0] if added else None)
    follow(ls)


async def _reconfigure(ls: "KibitzServer", options: Mapping[str, Any] | None, root: Path | None) -> None:
    try:
        await ls.session.reconfigure(options, root)
    except ConfigError as error:  # the user has just changed a setting: this one may be shown
        ls.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Error, str(error)))
