"""The workspace as it changes on disk, whoever changes it: rounds start by themselves."""

import asyncio
from collections.abc import Collection
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from kibitz.server.lsp.handlers.index import index_in_background
from kibitz.server.lsp.places import relative_path

if TYPE_CHECKING:
    from kibitz.server.lsp.server import KibitzServer

_GATHER_S = 1.0
"""A save is told by the editor, and then by the disk: both are for one round."""


def follow(ls: "KibitzServer") -> None:
    """Index the workspace and follow it from then on, as far as the settings want that; leave what was followed."""
    session = ls.session
    if session.following is not None:
        session.following.cancel()
    session.following, session.watching = None, "off"
    if not _is_wanted(ls):
        return
    work = _follow(ls) if session.app.config.watch else index_in_background(ls, show=True)
    session.following = session.in_background(asyncio.create_task(work))


def what_is_followed(ls: "KibitzServer") -> tuple[Any, ...]:
    """What, when it changes, makes it necessary to follow anew."""
    config = ls.session.app.config
    return ls.session.root, config.index_on_start, config.watch, config.ignore, config.max_file_bytes, config.cache_dir


def changed(ls: "KibitzServer", paths: Collection[str]) -> None:
    """Take note that files of the workspace have changed: paths relative to it, with "/".

    Starts a round a moment later. What changes until then, and while a round runs that began earlier, is left to that
    one round.
    """
    session = ls.session
    session.app.changed(paths)
    if paths and session.due is None and _is_wanted(ls):
        session.due = session.in_background(asyncio.create_task(_index_soon(ls)))


async def _index_soon(ls: "KibitzServer") -> None:
    await asyncio.sleep(_GATHER_S)
    await ls.session.rounds.settled()
    ls.session.due = None  # the round sees what is on disk from here on
    await index_in_background(ls, show=False)


async def _follow(ls: "KibitzServer") -> None:
    from kibitz.indexer.watch import watch
    from kibitz.indexer.workspace import Rules

    session = ls.session
    config, root = session.app.config, session.root
    assert root is not None
    session.watching = "events"

    def say(sentence: str) -> None:
        session.watching = sentence
        ls.window_log_message(lsp.LogMessageParams(lsp.MessageType.Warning, sentence))

    rules = Rules(max_bytes=config.max_file_bytes, ignore=config.ignore)
    async with aclosing(watch(root, rules=rules, private=[config.cache_dir], say=say)) as batches:
        async for batch in batches:
            if batch:
                shown = {relative_path(document.uri, root) for document in session.documents}
                session.ahead.changed(batch - shown)  # an open document is ahead of what is on disk
                changed(ls, batch)
            else:  # from here on nothing is missed
                session.app.changed(())
                session.in_background(asyncio.create_task(index_in_background(ls, show=True)))
    session.watching = "off"  # the workspace is gone


def _is_wanted(ls: "KibitzServer") -> bool:
    return ls.session.root is not None and ls.session.app.config.index_on_start
