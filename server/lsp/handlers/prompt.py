"""kibitz/prompt: the prompt of a request, explained, or those that were sent last; no model is called."""

from typing import TYPE_CHECKING, Any

from kibitz.server.lsp import failures, methods
from kibitz.server.lsp.beside import beside_of
from kibitz.server.lsp.documents import Document
from kibitz.server.lsp.failures import RequestError
from kibitz.server.lsp.handlers.edit import target_of
from kibitz.server.lsp.places import place

if TYPE_CHECKING:
    from kibitz.prompts.render import Rendered
    from kibitz.server.lsp.server import KibitzServer


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(methods.PROMPT)(prompt)


async def prompt(ls: "KibitzServer", params: methods.PromptParams) -> dict[str, Any]:
    """Answer with the prompt, its tokens, and what is in it and why; with `last`, with the prompts sent last."""
    if params.last is not None:
        if params.last < 1:
            raise RequestError(failures.INVALID_PARAMS, "last must be 1 or more.")
        asked = ls.session.asked_folders(params.folder)
        prompts = [each for folder in asked for each in folder.app.sent_prompts(params.last)]
        return {"prompts": sorted(prompts, key=lambda each: -each["at"])[: params.last]}
    from kibitz.prompts import page, trace

    rendered = await _render(ls, params)
    shown = {"html": page.html(rendered)} if params.html else {}
    return {**trace.as_json(rendered), **shown}


async def _render(ls: "KibitzServer", params: methods.PromptParams) -> "Rendered":
    session = ls.session
    if params.kind == "ask":
        folder, beside = beside_of(session, params)
        composed = await folder.app.compose(params.question, beside)
        return await folder.app.ask_prompt(composed.question)
    if params.kind == "complete":
        document = _document(ls, params)
        if params.position is None:
            raise RequestError(failures.INVALID_PARAMS, f"{methods.PROMPT} of a completion needs a position.")
        at = session.snapshot(document, place(params.position))
        return await session.folder_of(document).app.completion_prompt(at)
    if params.kind == "edit":
        from kibitz.server.edit.change import Targets

        document = _document(ls, params)
        target = target_of(session, document, params.range)
        return await session.folder_of(document).app.edit_prompt(params.instruction, Targets(target))
    raise RequestError(failures.INVALID_PARAMS, f'kind must be "ask", "complete" or "edit", not "{params.kind}".')


def _document(ls: "KibitzServer", params: methods.PromptParams) -> Document:
    if params.text_document is None:
        raise RequestError(failures.INVALID_PARAMS, f"{methods.PROMPT} of a {params.kind} needs a textDocument.")
    return ls.session.documents.get(params.text_document.uri)
