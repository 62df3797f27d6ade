"""kibitz/files: what the index lets in and leaves out, and why; kibitz/symbol: the definition at a cursor."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from kibitz.server.lsp import failures, methods
from kibitz.server.lsp.failures import RequestError
from kibitz.server.lsp.places import path_of, place, uri_of

if TYPE_CHECKING:
    from kibitz.indexer.outline import Symbol
    from kibitz.indexer.plan import Amount
    from kibitz.server.lsp.folders import Folder
    from kibitz.server.lsp.server import KibitzServer

_MOST_PATHS = 10_000


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(methods.FILES)(files)
    ls.feature(methods.SYMBOL)(symbol)


async def files(ls: "KibitzServer", params: methods.FilesParams) -> dict[str, Any]:
    """Answer with sums by language and rule, with paths, or with the reason for one file."""
    folders = ls.session.asked_folders(params.folder or params.uri)
    if not folders:
        raise RequestError(failures.REQUEST_FAILED, "No folder is open, so there is nothing to index.")
    if params.uri:
        return await asyncio.to_thread(_one_file, folders[0], params.uri)
    if params.rule or params.language is not None:
        if not 1 <= params.most <= _MOST_PATHS:
            raise RequestError(failures.INVALID_PARAMS, f"most must be from 1 to {_MOST_PATHS}, not {params.most}.")
        return await asyncio.to_thread(_paths, folders, params)
    return {"folders": [await asyncio.to_thread(_sums, folder) for folder in folders]}


async def symbol(ls: "KibitzServer", params: methods.SymbolParams) -> dict[str, Any]:
    """Answer with the innermost definition around the cursor, or with null where there is none."""
    document = ls.session.documents.get(params.text_document.uri)
    path = ls.session.folder_of(document).path_in(document.home)
    found = await asyncio.to_thread(_around, path, document.text, place(params.position).line)
    if found is None:
        return {"symbol": None}
    span = lsp.Range(lsp.Position(found.span.start, 0), lsp.Position(found.span.end, 0))
    return {"symbol": {"name": found.symbol, "kind": found.kind, "range": span}}


def _around(path: str, text: str, line: int) -> "Symbol | None":
    from kibitz.indexer.outline import structure

    return structure(path, text).around(line)


def _one_file(folder: "Folder", uri: str) -> dict[str, Any]:
    path = path_of(uri)
    return {"file": asdict(folder.app.file_status(path or Path()))}


def _paths(folders: "list[Folder]", params: methods.FilesParams) -> dict[str, Any]:
    found = [
        {"path": path, "uri": uri_of(folder.root, path) if folder.root else None}
        for folder in folders
        for path in folder.app.paths_of(rule=params.rule, language=params.language or "")
    ]
    return {"paths": found[: params.most], "more": max(0, len(found) - params.most)}


def _sums(folder: "Folder") -> dict[str, Any]:
    from kibitz.indexer.explain import reason_of

    planned = folder.app.plan()
    return {
        "uri": folder.root.as_uri() if folder.root else None,
        "name": folder.name,
        "total": _amount(planned.total),
        "to_do": _amount(planned.todo),
        "in": [{"language": name, **_amount(amount)} for name, amount in planned.by_language.items()],
        "out": [
            {"rule": rule, "reason": reason_of(rule), **_amount(amount)} for rule, amount in planned.by_rule.items()
        ],
        "warning": planned.warning,
    }


def _amount(amount: "Amount") -> dict[str, int]:
    return {"files": amount.files, "folders": amount.folders, "bytes": amount.bytes}
