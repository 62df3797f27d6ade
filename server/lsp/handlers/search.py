"""kibitz/search: chunks of the workspace that answer a query."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from kibitz.indexer.errors import FilterError
from kibitz.indexer.types import Hit
from kibitz.server.lsp import failures, merge, methods
from kibitz.server.lsp.app_port import AppPort
from kibitz.server.lsp.failures import RequestError
from kibitz.server.lsp.folders import Folder
from kibitz.server.lsp.places import uri_of
from kibitz.server.lsp.progress import work_done

if TYPE_CHECKING:
    from kibitz.indexer.answer import Answer
    from kibitz.indexer.filters import Filters
    from kibitz.indexer.lookup import Place
    from kibitz.server.lsp.server import KibitzServer

_MOST_HITS = 200
_SYMBOL_KINDS = {
    "function": lsp.SymbolKind.Function,
    "method": lsp.SymbolKind.Method,
    "class": lsp.SymbolKind.Class,
    "type": lsp.SymbolKind.Interface,
    "module": lsp.SymbolKind.Module,
    "section": lsp.SymbolKind.String,
}


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(methods.SEARCH)(search)
    ls.feature(lsp.WORKSPACE_SYMBOL)(workspace_symbol)


async def search(ls: "KibitzServer", params: methods.SearchParams) -> dict[str, Any]:
    """Answer with the best hits, best first, and with what the answer says of itself."""
    folders = ls.session.asked_folders(params.folder)
    if not folders:
        raise RequestError(failures.REQUEST_FAILED, "No folder is open, so there is nothing to search.")
    if not 1 <= params.k <= _MOST_HITS:
        raise RequestError(failures.INVALID_PARAMS, f"k must be from 1 to {_MOST_HITS}, not {params.k}.")
    filters = _filters(params.filters)
    async with work_done(ls, "Kibitz: searching", params.work_done_token):
        answers = await asyncio.gather(*(_answer(folder.app, params, filters) for folder in folders))
    found = list(zip(folders, answers, strict=True))
    return {
        "hits": [_hit(folder, hit) for folder, hit in merge.best_hits(found, params.query, params.k)],
        "legs": merge.legs_of(found),
        "freshness": asdict(merge.freshness_of(found)),
        "notes": merge.notes_of(found),
        "reranked_by": next((answer.reranked_by for answer in answers if answer.reranked_by), ""),
    }


async def workspace_symbol(ls: "KibitzServer", params: lsp.WorkspaceSymbolParams) -> list[lsp.SymbolInformation]:
    """Answer with the definitions whose names hold what was typed, of all folders."""
    folders = list(ls.session.folders)
    found = await asyncio.gather(*(folder.app.symbols(params.query, _MOST_HITS) for folder in folders))
    return [_symbol(folder, place) for folder, places in zip(folders, found, strict=True) for place in places]


def _symbol(folder: Folder, place: "Place") -> lsp.SymbolInformation:
    span = lsp.Range(lsp.Position(place.span.start, 0), lsp.Position(place.span.end, 0))
    holder, _, name = place.symbol.rpartition(".")
    return lsp.SymbolInformation(
        name=name or place.symbol,
        kind=_SYMBOL_KINDS.get(place.kind, lsp.SymbolKind.Variable),
        location=lsp.Location(uri_of(folder.root or Path(), place.path), span),
        container_name=holder or place.path,
    )


async def _answer(app: AppPort, params: methods.SearchParams, filters: "Filters | None") -> "Answer":
    """What one folder answers."""
    if params.regex or params.fixed or params.ignore_case or params.word:
        from kibitz.indexer.grep import Query

        exact = Query(params.query, params.ignore_case, params.fixed, params.word)
        return await app.grep(exact, params.k, params.within, filters)
    return await app.search(params.query, params.k, params.within, filters, rerank=params.rerank)


def _filters(wanted: methods.SearchFilters) -> "Filters | None":
    if wanted == methods.SearchFilters():
        return None
    from kibitz.indexer.filters import Filters

    try:
        return Filters.of(wanted.languages, wanted.globs, wanted.kinds)
    except FilterError as error:
        raise RequestError(failures.INVALID_PARAMS, str(error)) from None


def _hit(folder: Folder, hit: Hit) -> dict[str, Any]:
    chunk = hit.chunk
    return {
        "path": chunk.path,
        "uri": uri_of(folder.root, chunk.path) if folder.root is not None else None,
        "start_line": chunk.span.start + 1,
        "end_line": max(chunk.span.end, chunk.span.start + 1),
        "range": lsp.Range(lsp.Position(chunk.span.start, 0), lsp.Position(chunk.span.end, 0)),
        "symbol": chunk.symbol,
        "kind": chunk.kind,
        "language": chunk.language,
        "score": hit.score,
        "legs": list(hit.legs),
        "stale": hit.stale,
        "text": chunk.text,
    }
