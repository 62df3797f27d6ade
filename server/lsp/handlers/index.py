"""kibitz/index, and the rounds that start by themselves."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kibitz.server.errors import USER_ERRORS
from kibitz.server.lsp import failures, methods
from kibitz.server.lsp.failures import RequestError
from kibitz.server.lsp.progress import WorkDone, work_done

if TYPE_CHECKING:
    from kibitz.indexer.index import Progress, Report
    from kibitz.server.lsp.server import KibitzServer

_TITLE = "Kibitz: indexing"
_SPOKEN = {
    "survey": "looking for files",
    "parse": "reading files",
    "embed": "embedding",
    "commit": "writing",
    "hot": "getting ready to search",
    "wait": "waiting for the embedding endpoint",
}


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(methods.INDEX)(index)


async def index(ls: "KibitzServer", params: methods.IndexParams) -> dict[str, Any]:
    """Bring the index up to date and say what was done; a round under way is joined."""
    if ls.session.root is None:
        raise RequestError(failures.REQUEST_FAILED, "No folder is open, so there is nothing to index.")
    async with work_done(ls, _TITLE, params.work_done_token, create=True) as work:
        report = await _round(ls, work)
    return report_as_json(report)


async def index_in_background(ls: "KibitzServer", *, show: bool) -> None:
    """Index because the workspace was opened or a file saved; trouble goes to the status, not into a popup."""
    try:
        async with work_done(ls, _TITLE, None, create=show) as work:
            await _round(ls, work, after_this=not show)
    except USER_ERRORS as error:
        ls.tell("error", str(error))


def report_as_json(report: "Report") -> dict[str, Any]:
    """Return a report with plain values."""
    return {**dataclasses.asdict(report), "skipped": dict(report.skipped)}


async def _round(ls: "KibitzServer", work: WorkDone, *, after_this: bool = False) -> "Report":
    rounds = ls.session.rounds
    ls.tell("indexing", "Indexing the workspace.")
    try:
        report = await (rounds.run_after_this if after_this else rounds.run)(_reporter(work))
    except asyncio.CancelledError:
        ls.tell("ready", "Indexing was stopped.")
        raise
    ls.tell("ready", f"Indexed {report.files} {'file' if report.files == 1 else 'files'}.")
    return report


def _reporter(work: WorkDone) -> Callable[["Progress"], None]:
    def on_progress(progress: "Progress") -> None:
        percentage = min(100, 100 * progress.done // progress.total) if progress.total else None
        count = f" {progress.done}/{progress.total}" if progress.total else ""
        if progress.phase == "wait":
            count = f", {progress.done} s"
        work.report(f"{_SPOKEN.get(progress.phase, progress.phase)}{count}", percentage)

    return on_progress
