"""kibitz/search: chunks of the workspace that answer a query."""

from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from kibitz.indexer.types import Hit
from kibitz.server.lsp import failures, methods
from kibitz.server.lsp.failures import RequestError
from kibitz.server.lsp.places import uri_of
from kibitz.server.lsp.progress import work_done
from kibitz.server.rerank import Reranked

if TYPE_CHECKING:
    from pathlib import Path

    from kibitz.server.lsp.app_port import AppPort
    from kibitz.server.lsp.server import KibitzServer

_MOST_HITS = 200


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(methods.SEARCH)(search)


async def search(ls: "KibitzServer", params: methods.SearchParams) -> dict[str, Any]:
    """Answer with the best hits, best first."""
    session = ls.session
    if (root := session.root) is None:
        raise RequestError(failures.REQUEST_FAILED, "No folder is open, so there is nothing to search.")
    if not 1 <= params.k <= _MOST_HITS:
        raise RequestError(failures.INVALID_PARAMS, f"k must be from 1 to {_MOST_HITS}, not {params.k}.")
    async with work_done(ls, "Kibitz: searching", params.work_done_token):
        found = await _find(session.app, params)
    return {"hits": [_hit(root, hit) for hit in found.hits], "reranked_by": found.by, "note": found.note}


async def _find(app: "AppPort", params: methods.SearchParams) -> Reranked:
    if not params.rerank:
        return Reranked(list(await app.search(params.query, params.k, params.within)))
    hits = await app.search(params.query, app.second_stage.candidates(params.k), params.within)
    return await app.second_stage.rerank(params.query, hits, params.k)


def _hit(root: "Path", hit: Hit) -> dict[str, Any]:
    chunk = hit.chunk
    return {
        "path": chunk.path,
        "uri": uri_of(root, chunk.path),
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
