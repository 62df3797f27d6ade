"""`kibitz search`."""

import contextlib
import json
import time
from collections.abc import Iterator
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
    app = make_app(root)
    with contextlib.suppress(IndexBusyError):  # until the other process is ready, the files themselves answer
        ensure_indexed(app)
    for each in [asked] if queries is None else _read_queries(queries):
        start = time.perf_counter()
        if exact:
            from kibitz.indexer.grep import Query

            answer = app.grep_now(Query(each, ignore_case, fixed, word), k, within, filters)
        else:
            answer = app.search_now(each, k, within, filters)
        ms = round((time.perf_counter() - start) * 1000, 2)
        if as_json or queries is not None:
            emit({"query": each, "results": _results(answer), "ms": ms, **_about(answer)})
        else:
            _show_answer(answer)


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
