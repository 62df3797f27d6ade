"""What a program that works on the code can ask: answers as text of a bounded length, with lines that it can name.

Lines are 1-based, both ends included; paths are relative to the workspace.
"""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from kibitz.server.admitted import admitted_text, inside

if TYPE_CHECKING:
    from kibitz.indexer.answer import Answer, Freshness
    from kibitz.indexer.lookup import Place
    from kibitz.indexer.types import Hit
    from kibitz.server.app import App

MOST_CHARS = 24_000  # of an answer: some 6,000 tokens
MOST_HIT_LINES = 40
MOST_READ_LINES = 400
MOST_LINE_CHARS = 400


async def search(
    app: "App",
    query: str,
    *,
    k: int = 8,
    path: str = "",
    languages: Sequence[str] = (),
    globs: Sequence[str] = (),
    kinds: Sequence[str] = (),
) -> str:
    """The code that a question is about, best first, with its lines; read again by a reranker if one is set.

    Raises:
        FilterError: there is no such language or kind, or a glob is none.
        WorkspaceError: the path leads out of the workspace.
    """
    from kibitz.indexer.filters import Filters

    answer = await app.search(query, k, inside(path), Filters.of(languages, globs, kinds), rerank=True)
    return _shown(_about(answer), [_hit(hit) for hit in answer.hits])


def regex(
    app: "App",
    pattern: str,
    *,
    k: int = 50,
    path: str = "",
    languages: Sequence[str] = (),
    globs: Sequence[str] = (),
    ignore_case: bool = False,
    fixed: bool = False,
    word: bool = False,
) -> str:
    """The lines that match a regular expression, in the order of paths.

    Raises:
        FilterError: there is no such language, or a glob is none.
        PatternError: the expression is wrong.
        WorkspaceError: the path leads out of the workspace.
    """
    from kibitz.indexer.filters import Filters
    from kibitz.indexer.grep import Query

    answer = app.grep_now(Query(pattern, ignore_case, fixed, word), k, inside(path), Filters.of(languages, globs))
    lines = [f"{hit.chunk.path}:{hit.chunk.span.start + 1}: {_line(hit.chunk.text)}" for hit in answer.hits]
    return _shown(_about(answer), lines)


def definition(app: "App", name: str, *, path: str = "", k: int = 20) -> str:
    """Where a name is defined.

    Raises:
        NotIndexedError: there is no index yet.
    """
    found = app.searcher().definitions(name, k, within=inside(path))
    return _shown(_near(app.searcher().freshness), [_place(one) for one in found])


def references(app: "App", name: str, *, path: str = "", k: int = 50, callers: bool = False) -> str:
    """Who refers to a name, or with `callers` the definitions that call it.

    Raises:
        NotIndexedError: there is no index yet.
    """
    searcher = app.searcher()
    found = (searcher.callers if callers else searcher.references)(name, k, within=inside(path))
    return _shown(_near(searcher.freshness), [_place(one) for one in found])


def outline(app: "App", path: str) -> str:
    """The definitions of a file as it is now, in the order of its text.

    Raises:
        WorkspaceError: there is no such file, or a rule leaves it out.
    """
    from kibitz.indexer.outline import symbols_of

    path, text = admitted_text(app, path)
    symbols = symbols_of(path, text)
    return _shown(
        path, [f"{'  ' * one.depth}{one.span.start + 1}-{one.span.end} {one.kind} {one.signature}" for one in symbols]
    )


def repository_map(app: "App", *, about: Sequence[str] = (), lines: int = 150) -> str:
    """The files that the workspace leans on most, with their strongest definitions, nearest to some names and paths.

    Raises:
        NotIndexedError: there is no index yet.
    """
    from kibitz.indexer.map import fitted

    searcher = app.searcher()
    found = searcher.map(mentioned=about, limit=lines)
    text = fitted(found, lines, lambda line: 1)
    return _shown(f"{found.total} files; {_near(searcher.freshness)}", text.splitlines())


def read_lines(app: "App", path: str, *, start_line: int = 1, end_line: int | None = None) -> str:
    """Lines of a file as it is now, with their numbers.

    Raises:
        WorkspaceError: there is no such file, or a rule leaves it out.
    """
    from kibitz.indexer.lines import split_lines

    path, text = admitted_text(app, path)
    lines = split_lines(text)
    last = min(len(lines) if end_line is None else end_line, len(lines), start_line - 1 + MOST_READ_LINES)
    return _shown(f"{path} has {len(lines)} lines", _numbered(lines[start_line - 1 : last], start_line))


def _about(answer: "Answer") -> str:
    legs = ", ".join(answer.legs) or "nothing"
    order = f", ordered by {answer.reranked_by}" if answer.reranked_by else ""
    return " ".join([f"Searched by {legs}{order}; {_near(answer.freshness)}", *answer.notes])


def _near(freshness: "Freshness") -> str:
    """How near an answer is to the files, in a sentence."""
    if not freshness.indexed_at:
        return "no index yet."
    said = [f"index of {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(freshness.indexed_at))}"]
    if freshness.behind:
        said.append(f"{freshness.behind} files changed since")
    if freshness.lacking:
        said.append(f"{freshness.lacking} chunks searched by words alone")
    if freshness.indexing:
        said.append("an index round is under way")
    return ", ".join(said) + "."


def _hit(hit: "Hit") -> str:
    chunk = hit.chunk
    what = " ".join(part for part in (chunk.symbol, f"({chunk.kind}, {chunk.language or 'text'})") if part)
    stale = " [changed since it was indexed]" if hit.stale else ""
    lines = chunk.text.splitlines()
    shown = _numbered(lines[:MOST_HIT_LINES], chunk.span.start + 1)
    if len(lines) > MOST_HIT_LINES:
        shown.append(f"… {len(lines) - MOST_HIT_LINES} more lines")
    head = f"{chunk.path}:{chunk.span.start + 1}-{chunk.span.end} {what}{stale}"
    return "\n".join([head, *shown, ""])


def _place(place: "Place") -> str:
    lines = ",".join(str(line + 1) for line in place.lines)
    around = f" in {place.symbol}" if place.symbol and place.symbol not in place.text else ""
    span = f" ({place.span.start + 1}-{place.span.end})" if place.span.end - place.span.start > 1 else ""
    return f"{place.path}:{lines}{span} {place.kind}{around}: {_line(place.text)}"


def _numbered(lines: Iterable[str], first: int) -> list[str]:
    return [f"{number}: {_line(line)}" for number, line in enumerate(lines, first)]


def _line(line: str) -> str:
    plain = line.rstrip("\r\n")
    return plain if len(plain) <= MOST_LINE_CHARS else plain[:MOST_LINE_CHARS] + " …"


def _shown(head: str, parts: Sequence[str]) -> str:
    """What there is to say, and as many of the parts as there is room for."""
    if not parts:
        return f"{head}\nNothing found."
    shown, room = [head], MOST_CHARS - len(head)
    for number, part in enumerate(parts):
        room -= len(part) + 1
        if room < 0:
            shown.append(f"… {len(parts) - number} more left out: ask for fewer, or narrow the question.")
            break
        shown.append(part)
    return "\n".join(shown)
