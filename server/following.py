"""An index that keeps up with its workspace by itself: a round at the start, and one after each change."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from kibitz.server.errors import USER_ERRORS

if TYPE_CHECKING:
    from kibitz.server.app import App

GATHER_S = 0.5  # what changes at once is for one round


async def keep_indexed(app: "App", say: Callable[[str], None]) -> None:
    """Index the workspace in child processes, as far as the settings want that, until cancelled.

    Where there is no index, one is made whatever the settings say. `say` is told what goes wrong.
    """
    due = asyncio.Event()
    indexed = await asyncio.to_thread(_is_indexed, app)  # so that the index is open before the first question
    if app.config.index_on_start or not indexed:
        due.set()
    async with asyncio.TaskGroup() as group:
        group.create_task(_rounds(app, due, say))
        if app.config.index_on_start and app.config.watch:
            await _watch(app, due, say)


async def _watch(app: "App", due: asyncio.Event, say: Callable[[str], None]) -> None:
    from kibitz.indexer.watch import watch

    try:
        async with aclosing(watch(app.root, rules=app.rules, private=[app.config.cache_dir], say=say)) as batches:
            async for batch in batches:
                app.changed(batch)
                due.set()
    except USER_ERRORS as error:  # the folder is gone, for one
        say(str(error))


async def _rounds(app: "App", due: asyncio.Event, say: Callable[[str], None]) -> None:
    """A round whenever one is due; what changes while it runs is for the next one."""
    while await due.wait():
        await asyncio.sleep(GATHER_S)
        due.clear()
        try:
            await app.index(lambda progress: None)
        except USER_ERRORS as error:
            say(str(error))


def _is_indexed(app: "App") -> bool:
    try:
        app.searcher()
    except USER_ERRORS:
        return False
    return True
