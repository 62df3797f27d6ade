"""`kibitz search`."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from kibitz.server.cli.shared import (
    closing,
    emit,
    ensure_indexed,
    hit_json,
    json_option,
    make_app,
    path_option,
    printable,
    run_async,
)

if TYPE_CHECKING:
    from kibitz.indexer.types import Hit
    from kibitz.server.app import App
    from kibitz.server.rerank import Reranked

PREVIEW_LINES = 4


@click.command()
@click.argument("query", nargs=-1)
@path_option
@click.option("-k", "k", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many hits.")
@click.option("--in", "within", default="", metavar="FOLDER", help="Only below this folder of the workspace.")
@click.option("--regex", is_flag=True, help="Match a regular expression against every indexed line.")
@click.option("--rerank/--no-rerank", default=None, help="Let the reranker that is set read the best hits again.")
@click.option("--queries", type=click.File("r", encoding="utf-8"), help='JSON lines {"query": …}; - is stdin.')
@json_option
def search(
    *,
    query: tuple[str, ...],
    root: Path,
    k: int,
    within: str,
    regex: bool,
    rerank: bool | None,
    queries: IO[str] | None,
    as_json: bool,
) -> None:
    """Find the code that a question, a behaviour or a name is about.

    A folder that was never indexed is indexed first.

    \b
    Examples:
      kibitz search where are retries made
      kibitz search --regex 'def \\w+_retry' -k 50
      kibitz search --queries questions.jsonl > answers.jsonl
    """
    if bool(query) == bool(queries):
        raise click.UsageError("Give a question, or --queries FILE with one on each line.")
    app = make_app(root, rerank="" if rerank is False else None)
    if rerank:
        app.second_stage.reranker()  # or the sentence that says what is missing
    ensure_indexed(app)
    asked = _read_queries(queries) if queries else iter([" ".join(query)])
    run_async(_answer(app, asked, k, within, regex, as_json=as_json or queries is not None))


async def _answer(app: "App", asked: Iterator[str], k: int, within: str, regex: bool, *, as_json: bool) -> None:
    async with closing(app):
        for query in asked:
            start = time.perf_counter()
            found = await _find(app, query, k, within, regex)
            ms = (time.perf_counter() - start) * 1000
            if as_json:
                emit(_json(query, found, ms, app.searcher().lacking))
            else:
                _show(found, 0 if regex else app.searcher().lacking)


async def _find(app: "App", query: str, k: int, within: str, regex: bool) -> "Reranked":
    from kibitz.server.rerank import Reranked

    if regex:
        return Reranked(app.searcher().grep(query, k, within=within))
    hits = app.search_now(query, app.second_stage.candidates(k), within)
    return await app.second_stage.rerank(query, hits, k)


def _json(query: str, found: "Reranked", ms: float, lacking: int) -> dict[str, Any]:
    return {
        "query": query,
        "results": [hit_json(hit) for hit in found.hits],
        "ms": round(ms, 2),
        "lacking": lacking,
        "reranked_by": found.by,
        "note": found.note,
    }


def _read_queries(lines: IO[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            query = json.loads(line)["query"]
        except (ValueError, KeyError, TypeError):
            raise click.ClickException(f'Line {number} of the queries is not {{"query": "…"}}.') from None
        yield str(query)


def _show(found: "Reranked", lacking: int) -> None:
    if lacking:
        click.echo(f"kibitz: {lacking} chunks have no vectors yet and are searched by their words alone", err=True)
    if found.note:
        click.echo(f"kibitz: {found.note}", err=True)
    if not found.hits:
        click.echo("Nothing found.", err=True)
    for hit in found.hits:
        _show_hit(hit)


def _show_hit(hit: "Hit") -> None:
    chunk = hit.chunk
    place = click.style(f"{printable(chunk.path)}:{chunk.span.start + 1}-{chunk.span.end}", bold=True)
    notes = [chunk.symbol] if chunk.symbol else []
    if hit.stale:
        notes.append("changed since it was indexed")
    click.echo(f"{place}  {', '.join(notes)}".rstrip())
    shown = [line.rstrip() for line in chunk.text.splitlines() if line.strip()][:PREVIEW_LINES]
    for line in shown:
        click.echo(click.style(f"    {printable(line[:140])}", dim=True))
