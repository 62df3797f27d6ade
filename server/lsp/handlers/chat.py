"""kibitz/chat: a question about the workspace, answered as a stream with citations."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kibitz.server.lsp import failures, methods
from kibitz.server.lsp.failures import RequestError
from kibitz.server.lsp.places import lines_of, uri_of
from kibitz.server.lsp.progress import work_done

if TYPE_CHECKING:
    from pathlib import Path

    from kibitz.prompts.templates.context import ContextItem, Turn
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
    """Stream the answer's pieces, then answer with the whole."""
    from kibitz.server.chat.ask import Question, collect

    session = ls.session
    if not params.question.strip():
        raise RequestError(failures.INVALID_PARAMS, "The question is empty.")
    folder, attached = attached_items(session, params.folder, params.attachments)
    question = Question(params.question, attached=attached, history=turns_of(params.history))
    async with work_done(ls, "Kibitz: answering", params.work_done_token):
        rendered = await folder.app.ask_prompt(question)
        answer = await collect(
            folder.app.ask(rendered), rendered, lambda text: ls.partial(params.partial_result_token, {"delta": text})
        )
    return {
        "text": answer.text,
        "citations": [_citation(folder.root, citation) for citation in answer.citations],
        "finish_reason": answer.finish_reason,
    }


def turns_of(history: Sequence[methods.Turn]) -> "list[Turn]":
    """Turn earlier messages into what a prompt takes.

    Raises:
        RequestError: a turn's role is neither "user" nor "assistant".
    """
    from kibitz.prompts.templates.context import Turn

    for turn in history:
        if turn.role not in ("user", "assistant"):
            raise RequestError(failures.INVALID_PARAMS, 'A turn\'s role in history is "user" or "assistant".')
    return [Turn(turn.role, turn.content) for turn in history]


def attached_items(
    session: "Session", asked: str, attachments: Sequence[methods.Attachment]
) -> "tuple[Folder, list[ContextItem]]":
    """Turn attachments into context items, from the documents as the editor has them.

    Returns:
        The folder that the question is about, and the items.

    Raises:
        DocumentError: an attached document is not open.
        RequestError: the folder that was asked is not open.
    """
    from kibitz.prompts.templates.context import ContextItem

    documents = [session.documents.get(attachment.text_document.uri) for attachment in attachments]
    folder = session.asked_folder(asked, documents)
    items = {}
    for attachment, document in zip(attachments, documents, strict=True):
        path = folder.path_in(document.home)
        span = lines_of(document, attachment.range)
        ends_empty = document.place_of_line(document.line_count - 1) == document.place_of_line(document.line_count)
        last = span.end - 1 if ends_empty and span.end == document.line_count > span.start + 1 else span.end
        label = f"{path}:{span.start + 1}-{last}"
        text = document.between(document.place_of_line(span.start), document.place_of_line(span.end))
        items[label] = ContextItem(
            *(label, text, label, path, span.start + 1, last),
            kind="selection" if attachment.range is not None else "file",
        )
    return folder, list(items.values())


def _citation(root: "Path | None", citation: "Citation") -> dict[str, Any]:
    return {
        "path": citation.path,
        "start_line": citation.start_line,
        "end_line": citation.end_line,
        "uri": uri_of(root, citation.path) if root is not None else None,
    }
