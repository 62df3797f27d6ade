"""`kibitz index --watch`: a round, and another one whenever something has changed."""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import TYPE_CHECKING, NoReturn

import click

from kibitz.server.cli.shared import emit, progress_bar, update_index

if TYPE_CHECKING:
    from kibitz.indexer.index import Progress, Report
    from kibitz.indexer.watch import Batch
    from kibitz.server.app import App


def follow(app: "App", *, as_json: bool, rebuild: bool) -> NoReturn:
    """Keep the index up to date until Ctrl-C. A round that fails is told, and the next change tries again.

    Raises:
        KeyboardInterrupt: that is how it ends.
        IndexerError: the first round failed, or the folder is gone.
        KibitzError: the first round failed.
    """
    from kibitz.indexer.errors import WorkspaceError
    from kibitz.indexer.watch import watch
    from kibitz.server.errors import USER_ERRORS

    def say(sentence: str) -> None:
        _say("note", sentence, as_json)

    # Rounds run in the main thread, where Ctrl-C reaches them; what changes meanwhile is collected beside it.
    batches = watch(app.root, rules=app.rules, private=[app.config.cache_dir], say=say)
    first = True
    with asyncio.Runner() as runner:  # its end is the watcher's
        while (batch := _wait_for(runner, batches)) is not None:
            try:
                _round(app, batch, as_json=as_json, rebuild=rebuild and first)
            except USER_ERRORS as error:
                if first or not app.root.is_dir():
                    raise
                _say("error", str(error), as_json)
            first = False
    raise WorkspaceError(f"There is no folder {app.root} any more.")


def _wait_for(runner: asyncio.Runner, batches: "AsyncGenerator[Batch]") -> "Batch | None":
    """The next batch; None when the folder is gone."""

    async def following() -> "Batch | None":
        return await anext(batches, None)

    try:
        return runner.run(following())
    except asyncio.CancelledError:  # Ctrl-C, in the instant before the runner begins to count
        raise KeyboardInterrupt from None


def _round(app: "App", batch: "Batch", *, as_json: bool, rebuild: bool) -> None:
    """One round, after as many waits as another writer asks for."""
    from kibitz.indexer.errors import IndexBusyError

    while True:
        try:
            if as_json:
                report = update_index(app, show=_emit_progress, rebuild=rebuild)
                emit({"event": "report", **asdict(report)})
            else:
                with progress_bar() as show:
                    report = update_index(app, show=show, rebuild=rebuild)
                click.echo(_line(report, len(batch)))
            return
        except IndexBusyError as busy:  # it has waited for the lock
            _say("error", str(busy), as_json)


def _emit_progress(progress: "Progress") -> None:
    emit({"event": "progress", **asdict(progress)})


def _say(event: str, sentence: str, as_json: bool) -> None:
    if as_json:
        emit({"event": event, "message": sentence})
    else:
        click.echo(f"kibitz: {sentence}", err=True)


def _line(report: "Report", changed: int) -> str:
    what = f"{changed} changed" if changed else "watching"
    notice = f" {report.rebuilt}" if report.rebuilt else ""
    return (
        f"{time.strftime('%H:%M:%S')} {what}: {report.files} files, {report.chunks} chunks; "
        f"{report.parsed_files} parsed, {report.embedded_chunks} embedded, {report.removed_files} gone, "
        f"in {report.seconds:.1f} s.{notice}"
    )
