"""What the editor has beside a question, in the words of the program."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kibitz.server.lsp import failures, methods
from kibitz.server.lsp.failures import RequestError
from kibitz.server.lsp.places import lines_of

if TYPE_CHECKING:
    from kibitz.prompts.templates.context import ContextItem, Turn
    from kibitz.server.chat.beside import Beside, Problem
    from kibitz.server.lsp.documents import Document
    from kibitz.server.lsp.folders import Folder
    from kibitz.server.lsp.session import Session

_SEVERITIES = ("", "error", "warning", "information", "hint")


def beside_of(session: "Session", params: "methods.ChatParams | methods.PromptParams") -> "tuple[Folder, Beside]":
    """Take what the editor has beside a question, before anything is awaited.

    Returns:
        The folder that the question is about, and the rest.

    Raises:
        DocumentError: an attached document is not open.
        RequestError: the folder that was asked is not open, or the history has a role that is none.
    """
    from kibitz.server.chat.beside import Beside

    folder, attached = attached_items(session, params.folder, params.attachments, params.text_document)
    looked_up = "@" in params.question or params.question.lstrip().startswith("/")
    selection = params.selection
    return folder, Beside(
        attached=attached,
        selection=item_of(folder, session.documents.get(selection.text_document.uri), selection) if selection else None,
        documents=_documents(session, folder, params.text_document) if looked_up else {},
        problems=_problems(session, folder, params.diagnostics),
        history=turns_of(params.history),
    )


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
    session: "Session",
    asked: str,
    attachments: Sequence[methods.Attachment],
    front: methods.DocumentRef | None = None,
) -> "tuple[Folder, list[ContextItem]]":
    """Turn attachments into context items, from the documents as the editor has them.

    Returns:
        The folder that the question is about, and the items.

    Raises:
        DocumentError: an attached document is not open.
        RequestError: the folder that was asked is not open.
    """
    documents = [session.documents.get(attachment.text_document.uri) for attachment in attachments]
    in_front = session.documents.find(front.uri) if front is not None else None
    folder = session.asked_folder(asked, [*documents, in_front] if in_front is not None else documents)
    items = [item_of(folder, document, each) for each, document in zip(attachments, documents, strict=True)]
    return folder, list({item.label: item for item in items}.values())


def item_of(folder: "Folder", document: "Document", attachment: methods.Attachment) -> "ContextItem":
    """Turn one attachment into a context item."""
    from kibitz.prompts.templates.context import ContextItem

    path = folder.path_in(document.home)
    span = lines_of(document, attachment.range)
    ends_empty = document.place_of_line(document.line_count - 1) == document.place_of_line(document.line_count)
    last = span.end - 1 if ends_empty and span.end == document.line_count > span.start + 1 else span.end
    label = f"{path}:{span.start + 1}-{last}"
    text = document.between(document.place_of_line(span.start), document.place_of_line(span.end))
    kind = "selection" if attachment.range is not None else "file"
    return ContextItem(label, text, label, path, span.start + 1, last, kind=kind)  # type: ignore[arg-type]


def _documents(session: "Session", folder: "Folder", front: methods.DocumentRef | None) -> dict[str, str]:
    """Return the open documents of a folder by their paths, the one in front first."""
    ours = [each for each in session.documents if session.folders.holding(each.home) is folder]
    ours.sort(key=lambda each: front is None or each.uri != front.uri)
    return {folder.path_in(each.home): each.text for each in ours}


def _problems(session: "Session", folder: "Folder", told: Sequence[methods.DocumentDiagnostics]) -> "list[Problem]":
    from kibitz.server.chat.beside import Problem

    return [
        Problem(
            folder.path_in(each.uri),
            diagnostic.range.start.line + 1,
            _SEVERITIES[diagnostic.severity or 1],
            diagnostic.message,
        )
        for each in told
        if session.folders.holding(each.uri) is folder
        for diagnostic in each.diagnostics
    ]
