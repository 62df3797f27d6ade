"""kibitz/chat: a question about the workspace, answered as a stream with citations, in a session if one is named."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kibitz.server.errors import USER_ERRORS
from kibitz.server.lsp import failures, methods
from kibitz.server.lsp.beside import beside_of
from kibitz.server.lsp.failures import RequestError
from kibitz.server.lsp.places import uri_of
from kibitz.server.lsp.progress import work_done

if TYPE_CHECKING:
    from kibitz.server.chat.ask import Citation
    from kibitz.server.lsp.folders import Folder
    from kibitz.server.lsp.server import KibitzServer
    from kibitz.server.lsp.session import Session


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(methods.CHAT)(chat)
    ls.feature(methods.ASK)(ask)


async def ask(ls: "KibitzServer", params: methods.ChatParams) -> dict[str, Any]:
    """Answer kibitz/ask, the older name."""
    return await chat(ls, params)


async def chat(ls: "KibitzServer", params: methods.ChatParams) -> dict[str, Any]:
    """Stream the answer's pieces, then answer with the whole; one question of a session after the other."""
    from kibitz.server.chat.keeping import NEW

    if params.session in ("", NEW):
        return await _answer(ls, params)
    async with ls.session.turn(params.session):
        return await _answer(ls, params)


async def _answer(ls: "KibitzServer", params: methods.ChatParams) -> dict[str, Any]:
    from kibitz.server.chat.ask import collect
    from kibitz.server.chat.go_on import GO_ON, last_answer
    from kibitz.server.chat.keeping import Keeping
    from kibitz.server.chat.seam import Seam
    from kibitz.server.chat.sources import sources

    folder, beside = beside_of(ls.session, params)
    kept = await asyncio.to_thread(Keeping.of, folder.app.sessions, params.session) if params.session else None
    if kept is not None:
        beside = replace(beside, history=kept.history)
    last = last_answer(beside.history, finished=kept is not None and kept.finished) if params.go_on else ""
    words = GO_ON if last else params.question
    if not words.strip():
        raise RequestError(failures.INVALID_PARAMS, "The question is empty.")
    seam = Seam(last)
    told: list[str] = []

    def on_text(text: str) -> None:
        if text := seam.feed(text):
            told.append(text)
            ls.partial(params.partial_result_token, {"delta": text})

    async def keep(finish_reason: str, citations: Sequence[Mapping[str, Any]] = ()) -> None:
        if kept is not None:
            await kept.add("" if last else params.question, "".join(told), finish_reason, citations)

    try:
        async with work_done(ls, "Kibitz: answering", params.work_done_token):
            composed = await folder.app.compose(words, beside)
            rendered = await folder.app.ask_prompt(composed.question, kept.id if kept is not None else "")
            answer = await collect(folder.app.ask(rendered), rendered, on_text)
    except asyncio.CancelledError:
        await asyncio.shield(keep("stopped"))
        raise
    except USER_ERRORS:
        await keep("failed")
        raise
    if rest := seam.rest():
        told.append(rest)
        ls.partial(params.partial_result_token, {"delta": rest})
    citations = [_place(ls.session, folder, citation) for citation in answer.citations]
    await keep(answer.finish_reason, citations)
    return {
        "text": "".join(told),
        "citations": citations,
        "sources": [
            {**_place(ls.session, folder, source), "why": source.why}
            for source in sources(rendered, composed.question.whys)
        ],
        "finish_reason": answer.finish_reason,
        "session": kept.id if kept is not None else None,
        "notes": list(composed.notes),
        "suggests": composed.suggests,
    }


def _place(session: "Session", folder: "Folder", citation: "Citation") -> dict[str, Any]:
    """Return lines with their file for the editor; an open document from elsewhere has its own."""
    outside = next((each.home for each in session.documents if folder.path_in(each.home) == citation.path), None)
    uri = outside or (uri_of(folder.root, citation.path) if folder.root is not None else None)
    return {"path": citation.path, "start_line": citation.start_line, "end_line": citation.end_line, "uri": uri}
