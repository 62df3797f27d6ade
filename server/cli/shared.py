"""What several subcommands share: options, the workspace, progress, JSON."""

import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from kibitz.indexer.index import Progress, Report
    from kibitz.indexer.types import Hit
    from kibitz.server.app import App

T = TypeVar("T")
Function = TypeVar("Function", bound=Callable[..., Any])

PHASES = {
    "survey": "Looking at files",
    "parse": "Parsing",
    "embed": "Embedding",
    "commit": "Writing",
    "hot": "Preparing search",
    "wait": "Waiting (seconds)",
    "read": "Reading files",
    "render": "Counting tokens",
}

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)")

PATH = click.Path(path_type=Path, readable=False)  # what cannot be read gets our own sentence

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON with stable names (docs/cli.md).")
path_option = click.option("--path", "root", type=PATH, default=".", help="The workspace.  [default: this folder]")


def model_options(function: Function) -> Function:
    """`--base-url` and `--model`, for the commands that ask a model."""
    function = click.option("--model", "chat_model", metavar="NAME", help="The model to ask.")(function)
    return click.option("--base-url", metavar="URL", help="An OpenAI-compatible endpoint.")(function)


def emit(value: object) -> None:
    """One line of JSON on stdout; escaped where stdout cannot write every character."""
    unicode = (getattr(sys.stdout, "encoding", "") or "").lower().replace("-", "") == "utf8"
    click.echo(json.dumps(value, ensure_ascii=not unicode))


def printable(text: str) -> str:
    """Text of a file or a model as stdout may have it: unchanged in a file or a pipe, harmless on a terminal.

    A terminal obeys control sequences, which set its title, its clipboard or worse: their characters become U+FFFD.
    """
    return _CONTROLS.sub("\ufffd", text) if sys.stdout.isatty() else text


def show(text: str, *, nl: bool = True) -> None:
    """Print text of a file or a model; colour codes in it stay, so that a diff of them can be applied."""
    click.echo(printable(text), nl=nl, color=True)


def expanded(path: Path) -> Path:
    """A path with "~" replaced where it can be: a folder may also be called "~x"."""
    try:
        return path.expanduser()
    except RuntimeError:  # there is no such user
        return path


def resolve_root(root: Path) -> Path:
    """The workspace as an absolute path, or a sentence."""
    from kibitz.indexer.errors import WorkspaceError

    root = expanded(root)
    if not root.exists():
        raise WorkspaceError(f"There is no folder {root}.")
    if not root.is_dir():
        raise WorkspaceError(f"{root} is a file; name the folder that holds it.")
    if not os.access(root, os.R_OK | os.X_OK):
        raise WorkspaceError(f"{root} cannot be read: you lack the permission.")
    return root.resolve()


def make_app(root: Path, **flags: Any) -> "App":
    """The app of a workspace, with the flags that were given."""
    from kibitz.server.app import build_app

    return build_app(resolve_root(root), flags=flags)


def run_async(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine; Ctrl-C cancels it and lets it clean up."""
    import asyncio

    return asyncio.run(coroutine)


@asynccontextmanager
async def closing(app: "App") -> AsyncIterator["App"]:
    """Close the app, whatever happens."""
    try:
        yield app
    finally:
        await app.close()


@contextmanager
def progress_bar() -> Iterator[Callable[["Progress"], None]]:
    """A progress bar on stderr when it is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    columns = (TextColumn("{task.description:<17}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Starting", total=None)

        def show(progress: "Progress") -> None:
            phase = PHASES.get(progress.phase, progress.phase)
            bar.update(task, description=phase, completed=progress.done, total=progress.total or None)

        yield show


def update_index(app: "App", *, show: Callable[["Progress"], None], rebuild: bool = False) -> "Report":
    """Bring the index up to date in this process, however long an embedding endpoint wants to be waited for.

    What it has given is kept, and words are searched meanwhile, so that nothing is lost when this is interrupted.
    """
    from kibitz.indexer.errors import EmbedderBusyError
    from kibitz.indexer.index import Progress, update

    while True:
        try:
            return update(
                app.root,
                cache_dir=app.config.cache_dir,
                embedder=app.embedder(),
                rules=app.rules,
                workers=app.config.workers,
                progress=show,
                rebuild=rebuild,
                budget_bytes=app.config.disk_budget_mb * 1_000_000,
            )
        except EmbedderBusyError as busy:
            rebuild = False
            show(Progress("wait", round(busy.retry_after_s), 0))
            time.sleep(busy.retry_after_s)


def ensure_indexed(app: "App") -> None:
    """Make the first index round when there has been none, so that a first question is answered.

    Raises:
        IndexBusyError: another process is making it.
    """
    from kibitz.indexer.errors import NotIndexedError

    try:
        app.searcher()
    except NotIndexedError:
        click.echo(f"kibitz: indexing {app.root} first", err=True)
        with progress_bar() as show:
            update_index(app, show=show)


def hit_json(hit: "Hit") -> dict[str, Any]:
    """A hit with the names of docs/cli.md; lines are 1-based, both ends included."""
    chunk = hit.chunk
    return {
        "path": chunk.path,
        "start_line": chunk.span.start + 1,
        "end_line": chunk.span.end,
        "symbol": chunk.symbol,
        "kind": chunk.kind,
        "language": chunk.language,
        "score": round(hit.score, 6),
        "legs": list(hit.legs),
        "stale": hit.stale,
    }
