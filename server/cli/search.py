"""`kibitz search`."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from kibitz.server.cli.exact import grepped_json, show_grepped
from kibitz.server.cli.shared import emit, ensure_indexed, hit_json, json_option, make_app, path_option, printable

if TYPE_CHECKING:
    from kibitz.indexer.grep import Grepped
    from kibitz.indexer.types import Hit
    from kibitz.server.app import App

PREVIEW_LINES = 4


@click.command()
@click.argument("query", nargs=-1)
@path_option
@click.option("-k", "k", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many hits.")
@click.option("--in", "within", default="", metavar="FOLDER", help="Only below this folder of the workspace.")
@click.option("--regex", is_flag=True, help="Match a regular expression against every indexed line.")
@click.option("-F", "--fixed-strings", "fixed", is_flag=True, help="Find the text as it is, in every indexed line.")
@click.option("-i", "--ignore-case", is_flag=True, help="With --regex (which it implies): ignore case.")
@click.option("-w", "--word-regexp", "word", is_flag=True, help="With --regex (which it implies): whole words.")
@click.option("--queries", type=click.File("r", encoding="utf-8"), help='JSON lines {"query": …}; - is stdin.')
@json_option
def search(
    *,
    query: tuple[str, ...],
    root: Path,
    k: int,
    within: str,
    regex: bool,
    fixed: bool,
    ignore_case: bool,
    word: bool,
    queries: IO[str] | None,
    as_json: bool,
) -> None:
    """Find the code that a question, a behaviour or a name is about.

    A folder that was never indexed is indexed first.

    \b
    Examples:
      kibitz search where are retries made
      kibitz search --regex 'def \\w+_retry' -k 50
      kibitz search -F 'retry(' --in src
      kibitz search --queries questions.jsonl > answers.jsonl
    """
    if bool(query) == bool(queries):
        raise click.UsageError("Give a question, or --queries FILE with one on each line.")
    app = make_app(root)
    ensure_indexed(app)
    if regex or fixed or ignore_case or word:
        exact = partial(app.searcher().grep, k=k, within=within, ignore_case=ignore_case, fixed=fixed, word=word)
        _exact(exact, k, queries or " ".join(query), app.searcher().lacking, as_json)
        return
    if queries is not None:
        for asked in _read_queries(queries):
            hits, ms = _timed(app, asked, k, within)
            emit(_answer(asked, hits, ms, app.searcher().lacking))
        return
    asked = " ".join(query)
    hits, ms = _timed(app, asked, k, within)
    lacking = app.searcher().lacking
    if as_json:
        emit(_answer(asked, hits, ms, lacking))
        return
    if lacking:
        click.echo(f"kibitz: {lacking} chunks have no vectors yet and are searched by their words alone", err=True)
    if not hits:
        click.echo("Nothing found.", err=True)
    for hit in hits:
        _show(hit)


def _exact(grep: "Callable[[str], Grepped]", k: int, asked: str | IO[str], lacking: int, as_json: bool) -> None:
    for pattern in [asked] if isinstance(asked, str) else _read_queries(asked):
        start = time.perf_counter()
        found = grep(pattern)
        if as_json or not isinstance(asked, str):
            emit(grepped_json(pattern, found, (time.perf_counter() - start) * 1000, lacking))
        else:
            show_grepped(found, k)


def _timed(app: "App", query: str, k: int, within: str) -> "tuple[list[Hit], float]":
    start = time.perf_counter()
    hits = app.search_now(query, k, within)
    return hits, (time.perf_counter() - start) * 1000


def _answer(query: str, hits: "list[Hit]", ms: float, lacking: int) -> dict[str, Any]:
    return {"query": query, "results": [hit_json(hit) for hit in hits], "ms": round(ms, 2), "lacking": lacking}


def _read_queries(lines: IO[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            query = json.loads(line)["query"]
        except (ValueError, KeyError, TypeError):
            raise click.ClickException(f'Line {number} of the queries is not {{"query": "…"}}.') from None
        yield str(query)


def _show(hit: "Hit") -> None:
    chunk = hit.chunk
    place = click.style(f"{printable(chunk.path)}:{chunk.span.start + 1}-{chunk.span.end}", bold=True)
    notes = [chunk.symbol] if chunk.symbol else []
    if hit.stale:
        notes.append("changed since it was indexed")
    click.echo(f"{place}  {', '.join(notes)}".rstrip())
    shown = [line.rstrip() for line in chunk.text.splitlines() if line.strip()][:PREVIEW_LINES]
    for line in shown:
        click.echo(click.style(f"    {printable(line[:140])}", dim=True))
