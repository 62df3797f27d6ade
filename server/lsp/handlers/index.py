"""kibitz/index, and the rounds that start by themselves."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kibitz.server.errors import USER_ERRORS
from kibitz.server.lsp import failures, methods
from kibitz.server.lsp.failures import RequestError
from kibitz.server.lsp.folders import Folder
from kibitz.server.lsp.merge import total
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
    """Bring the index up to date and say what was done; a round under way is joined, unless to make it anew."""
    folders = ls.session.asked_folders(params.folder)
    if not folders:
        raise RequestError(failures.REQUEST_FAILED, "No folder is open, so there is nothing to index.")
    async with work_done(ls, _TITLE, params.work_done_token, create=True) as work:
        reports = [await _round(ls, folder, work, rebuild=params.rebuild) for folder in folders]
    each = [
        {"uri": folder.root.as_uri(), **report_as_json(report)}
        for folder, report in zip(folders, reports, strict=True)
        if folder.root
    ]
    return {**report_as_json(total(reports)), "folders": each}


async def index_in_background(ls: "KibitzServer", folder: Folder, *, show: bool) -> None:
    """Index because a folder was opened or a file saved; trouble goes to the status, not into a popup."""
    title = f"{_TITLE} {folder.name}" if ls.session.folders.several else _TITLE
    try:
        async with work_done(ls, title, None, create=show) as work:
            await _round(ls, folder, work, after_this=not show)
    except USER_ERRORS as error:
        ls.tell("error", str(error))


def report_as_json(report: "Report") -> dict[str, Any]:
    """Return a report with plain values."""
    return {**dataclasses.asdict(report), "skipped": dict(report.skipped)}


async def _round(
    ls: "KibitzServer", folder: Folder, work: WorkDone, *, after_this: bool = False, rebuild: bool = False
) -> "Report":
    rounds, folders = folder.rounds, ls.session.folders
    ls.tell("indexing", "Indexing the workspace.")
    try:
        run = rounds.run_after_this if after_this or rebuild else rounds.run
        report = await run(_reporter(work), rebuild=rebuild)
    except asyncio.CancelledError:
        if not folders.indexing:
            ls.tell("ready", "Indexing was stopped.")
        raise
    if not folders.indexing:  # else another folder's round has the last word
        where = f" in {folder.name}" if folders.several else ""
        ls.tell("ready", f"Indexed {report.files} {'file' if report.files == 1 else 'files'}{where}.")
    return report


def _reporter(work: WorkDone) -> Callable[["Progress"], None]:
    def on_progress(progress: "Progress") -> None:
        percentage = min(100, 100 * progress.done // progress.total) if progress.total else None
        count = f" {progress.done}/{progress.total}" if progress.total else ""
        if progress.phase == "wait":
            count = f", {progress.done} s"
        work.report(f"{_SPOKEN.get(progress.phase, progress.phase)}{count}", percentage)

    return on_progress
