"""Settings that change: those that the editor sends for all folders, and those that it is asked for, folder by folder.

An editor mixes the workspace's own files into what it answers for a folder, so that may only narrow.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from kibitz.server.config import SETTINGS
from kibitz.server.errors import ConfigError
from kibitz.server.lsp.failures import RequestError
from kibitz.server.lsp.handlers.follow import follow, what_is_followed

if TYPE_CHECKING:
    from kibitz.server.lsp.server import KibitzServer

SECTION = "kibitz"
_ANSWER_S = 5.0


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)(did_change_configuration)


async def did_change_configuration(ls: "KibitzServer", params: lsp.DidChangeConfigurationParams) -> None:
    """Take over settings that are sent, and ask for those of the folders; many clients only ring the bell."""
    settings: Any = params.settings
    if isinstance(settings, Mapping):
        settings = settings.get(SECTION)
    before = {folder: what_is_followed(folder) for folder in ls.session.folders}
    if isinstance(settings, Mapping):
        try:
            await ls.session.folders.reconfigure(settings)
        except ConfigError as error:
            show(ls, error)
    await pull(ls)
    for folder, followed in before.items():
        if folder in ls.session.folders and what_is_followed(folder) != followed:
            follow(ls, folder)


async def listen(ls: "KibitzServer") -> None:
    """Ask to be told of changes, where the client wants to be asked."""
    if not ls.session.client.configuration_registration:
        return
    # Without a section: with one, some clients send all of it, in names of their own.
    registration = lsp.Registration(id="kibitz-configuration", method=lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)
    await _answer(ls.client_register_capability_async(lsp.RegistrationParams([registration])))


async def pull(ls: "KibitzServer") -> None:
    """Ask for the settings of each folder, where the client answers that, and narrow the folders by them."""
    session = ls.session
    if not session.client.configuration:
        return
    async with session.configuring:  # an older answer must not come after a newer one
        folders = list(session.folders) or [session.folders.first]
        scopes = [folder.root.as_uri() if folder.root else None for folder in folders]
        items = [lsp.ConfigurationItem(scope_uri=scope, section=SECTION) for scope in scopes]
        answer = await _answer(ls.workspace_configuration_async(lsp.ConfigurationParams(items)))
        if not isinstance(answer, list | tuple) or len(answer) != len(folders):
            return
        _tell_passed_over(ls, answer)
        try:
            await session.folders.narrow(
                {folder: narrowing(settings) for folder, settings in zip(folders, answer, strict=True)}
            )
        except ConfigError as error:
            show(ls, error)


def narrowing(settings: Any) -> dict[str, Any]:
    """The settings that may narrow, of what an editor says; null is one that is not set."""
    return {name: value for name, value in _ours(settings) if SETTINGS[name].metadata["narrows"]}


def show(ls: "KibitzServer", error: ConfigError) -> None:
    """Pop up a wrong setting: the user has just changed it."""
    ls.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Error, str(error)))


def _ours(settings: Any) -> Iterable[tuple[str, Any]]:
    """Settings that have a value; an editor's section may also hold names of its own."""
    pairs = settings.items() if isinstance(settings, Mapping) else ()
    return ((name, value) for name, value in pairs if name in SETTINGS and value is not None)


def _tell_passed_over(ls: "KibitzServer", answer: Iterable[Any]) -> None:
    wider = {name for settings in answer for name, _ in _ours(settings) if not SETTINGS[name].metadata["narrows"]}
    if wider and wider != ls.session.passed_over:
        sentence = (
            f"The editor's settings of a folder may only narrow, so they cannot set {', '.join(sorted(wider))}; "
            "set that in initializationOptions or in your own kibitz.toml."
        )
        ls.window_log_message(lsp.LogMessageParams(lsp.MessageType.Warning, sentence))
    ls.session.passed_over = wider


async def _answer(request: Any) -> Any:
    """What the client answers; None where it refuses, or does not answer at all."""
    try:
        return await asyncio.wait_for(request, _ANSWER_S)
    except (RequestError, TimeoutError):
        return None
