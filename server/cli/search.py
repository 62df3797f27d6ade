"""`kibitz search`."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from kibitz.server.cli.exact import grepped_json, show_line
from kibitz.server.cli.shared import (
    emit,
    ensure_indexed,
    hit_json,
    json_option,
    make_app,
    path_option,
    printable,
)

if TYPE_CHECKING:
    from kibitz.indexer.answer import Answer
    from kibitz.indexer.filters import Filters
    from kibitz.indexer.types import Hit
    from kibitz.server.app import App

PREVIEW_LINES = 4


@click.command()
@click.argument("query", nargs=-1)
@path_option
@click.option("-k", "k", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many hits.")
@click.option("--in", "within", default="", metavar="FOLDER", help="Only below this folder of the workspace.")
@click.option("--language", "languages", multiple=True, metavar="NAME", help="Only code in it; may be repeated.")
@click.option("--glob", "globs", multiple=True, help="Only paths like '*.py' or 'src/**', or not '!tests/**'.")
@click.option("--kind", "kinds", multiple=True, help="Only a function, method, class, type, module, section or text.")
@click.option("--regex", is_flag=True, help="Match a regular expression against every indexed line.")
@click.option("-F", "--fixed-strings", "fixed", is_flag=True, help="Find the text as it is, in every indexed line.")
@click.option("-i", "--ignore-case", is_flag=True, help="With --regex (which it implies): ignore case.")
@click.option("-w", "--word-regexp", "word", is_flag=True, help="With --regex (which it implies): whole words.")
@click.option("--rerank/--no-rerank", default=None, help="Let the reranker that is set read the best hits again.")
@click.option("--queries", type=click.File("r", encoding="utf-8"), help='JSON lines {"query": …}; - is stdin.')
@json_option
def search(
    *,
    query: tuple[str, ...],
    root: Path,
    k: int,
    within: str,
    languages: tuple[str, ...],
    globs: tuple[str, ...],
    kinds: tuple[str, ...],
    regex: bool,
    fixed: bool,
    ignore_case: bool,
    word: bool,
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
      kibitz search -F 'retry(' --in src
      kibitz search --language python --kind function --glob '!tests/**' parse a header
      kibitz search --queries questions.jsonl > answers.jsonl
    """
    from kibitz.indexer.errors import IndexBusyError

    asked = " ".join(query)
    exact = regex or fixed or ignore_case or word
    if bool(asked if exact else asked.strip()) == bool(queries):
        raise click.UsageError("Give a question, or --queries FILE with one on each line.")
    filters = _filters(languages, globs, kinds)
    app = make_app(root, rerank="" if rerank is False else None)
    if rerank:
        app.second_stage.reranker()  # or the sentence that says what is missing
    with contextlib.suppress(IndexBusyError):  # until the other process is ready, the files themselves answer
        ensure_indexed(app)
    questions = [asked] if queries is None else _read_queries(queries)
    lines = {"ignore_case": ignore_case, "fixed": fixed, "word": word} if exact else None
    for question, answer, ms in _answers(app, questions, k, within, filters, lines=lines):
        if as_json or queries is not None:
            emit({"query": question, "results": _results(answer), "ms": round(ms, 2), **_about(answer)})
        else:
            _show_answer(answer)


def _answers(
    app: "App", asked: Iterable[str], k: int, within: str, filters: "Filters | None", *, lines: dict[str, bool] | None
) -> "Iterator[tuple[str, Answer, float]]":
    """Each question with its answer and how long that took, in ms; `lines` makes it a regular expression."""
    from kibitz.indexer.grep import Query

    with asyncio.Runner() as runner:  # one loop for all of them: a reranker keeps its connections
        try:
            for query in asked:
                start = time.perf_counter()
                if lines is not None:
                    answer = app.grep_now(Query(query, **lines), k, within, filters)
                elif app.config.rerank:
                    answer = runner.run(app.search(query, k, within, filters, rerank=True))
                else:
                    answer = app.search_now(query, k, within, filters)
                yield query, answer, (time.perf_counter() - start) * 1000
        finally:
            runner.run(app.close())


def _filters(languages: tuple[str, ...], globs: tuple[str, ...], kinds: tuple[str, ...]) -> "Filters | None":
    if not (languages or globs or kinds):
        return None
    from kibitz.indexer.errors import FilterError
    from kibitz.indexer.filters import Filters

    try:
        return Filters.of(languages, globs, kinds)
    except FilterError as error:
        raise click.UsageError(str(error)) from None


def _results(answer: "Answer") -> list[dict[str, Any]]:
    if not answer.grepped:
        return [hit_json(hit) for hit in answer.hits]
    return [{**hit_json(hit), "text": hit.chunk.text.rstrip("\r\n")} for hit in answer.hits]


def _about(answer: "Answer") -> dict[str, Any]:
    """What an answer says of itself, with the names of docs/cli.md."""
    return {
        "lacking": answer.freshness.lacking,
        "legs": list(answer.legs),
        "freshness": asdict(answer.freshness),
        "notes": list(answer.notes),
        "reranked_by": answer.reranked_by,
        **(grepped_json(answer.grepped) if answer.grepped else {}),
    }


def _show_answer(answer: "Answer") -> None:
    lacking = answer.freshness.lacking
    if lacking and "vector" in answer.legs:
        click.echo(f"kibitz: {lacking} chunks have no vectors yet and are searched by their words alone", err=True)
    for note in answer.notes:
        click.echo(f"kibitz: {note}", err=True)
    if not answer.hits:
        of = f" in {answer.grepped.files} files" if answer.grepped else ""
        click.echo(f"Nothing found{of}.", err=True)
    for hit in answer.hits:
        if answer.grepped:
            show_line(hit)
        else:
            _show(hit)


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
