"""The folders as they change on disk, whoever changes them: rounds start by themselves."""

import asyncio
from collections.abc import Collection, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from kibitz.server.lsp.folders import Folder
from kibitz.server.lsp.handlers.index import index_in_background

if TYPE_CHECKING:
    from kibitz.server.lsp.server import KibitzServer

_GATHER_S = 1.0
"""A save is told by the editor, and then by the disk: both are for one round."""


def follow(ls: "KibitzServer", folder: Folder) -> None:
    """Index a folder and follow it from then on, as far as the settings want that."""
    if folder.following is not None:
        folder.following.cancel()
    folder.following, folder.watching = None, "off"
    if is_followed(folder):
        work = _follow(ls, folder) if folder.app.config.watch else index_in_background(ls, folder, show=True)
        folder.following = ls.session.in_background(asyncio.create_task(work))


def what_is_followed(folder: Folder) -> tuple[Any, ...]:
    """What, when it changes, makes it necessary to follow anew."""
    config = folder.app.config
    return config.index_on_start, config.watch, config.ignore, config.max_file_bytes, config.cache_dir


def is_followed(folder: Folder) -> bool:
    """Whether the index of a folder keeps up with it by itself."""
    return folder.root is not None and folder.app.config.index_on_start


def changed(ls: "KibitzServer", folder: Folder, paths: Collection[str]) -> None:
    """Take note that files of a folder have changed: paths relative to it, with "/".

    Starts a round a moment later. What changes until then, and while a round runs that began earlier, is left to that
    one round.
    """
    folder.app.changed(paths)
    if paths and folder.due is None and is_followed(folder):
        folder.due = ls.session.in_background(asyncio.create_task(_index_soon(ls, folder)))


def changed_on_disk(ls: "KibitzServer", uris: Iterable[str]) -> None:
    """Take note of files that somebody says have come, gone or changed, where they are in an open folder."""
    paths: dict[Folder, set[str]] = {}
    for uri in uris:
        if (folder := ls.session.folders.holding(uri)) is not None and is_followed(folder):
            paths.setdefault(folder, set()).add(folder.path_in(uri))
    for folder, those in paths.items():
        folder.ahead.changed(those - _shown(ls, folder))
        changed(ls, folder, those)


async def _index_soon(ls: "KibitzServer", folder: Folder) -> None:
    await asyncio.sleep(_GATHER_S)
    await folder.rounds.settled()
    folder.due = None  # the round sees what is on disk from here on
    await index_in_background(ls, folder, show=False)


async def _follow(ls: "KibitzServer", folder: Folder) -> None:
    from kibitz.indexer.watch import watch
    from kibitz.indexer.workspace import Rules

    config, root = folder.app.config, folder.root
    assert root is not None
    folder.watching = "events"

    def say(sentence: str) -> None:
        folder.watching = sentence
        ls.window_log_message(lsp.LogMessageParams(lsp.MessageType.Warning, sentence))

    rules = Rules(max_bytes=config.max_file_bytes, ignore=config.ignore)
    async with aclosing(watch(root, rules=rules, private=[config.cache_dir], say=say)) as batches:
        async for batch in batches:
            if batch:
                folder.ahead.changed(batch - _shown(ls, folder))
                changed(ls, folder, batch)
            else:  # from here on nothing is missed
                folder.app.changed(())
                ls.session.in_background(asyncio.create_task(index_in_background(ls, folder, show=True)))
    folder.watching = "off"  # the folder is gone


def _shown(ls: "KibitzServer", folder: Folder) -> set[str]:
    """The files that are open: what is on disk is behind them."""
    return {folder.path_in(document.uri) for document in ls.session.documents if document.home == document.uri}
