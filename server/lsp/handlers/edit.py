"""kibitz/edit: an instruction becomes one edit, of one file or several, that the editor applies as one step."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from kibitz.server.errors import EditError, UnfinishedEditError
from kibitz.server.lsp import failures, methods
from kibitz.server.lsp.documents import Document
from kibitz.server.lsp.failures import RequestError
from kibitz.server.lsp.handlers.review import refresh
from kibitz.server.lsp.places import lines_of, path_of, uri_of
from kibitz.server.lsp.progress import work_done
from kibitz.server.lsp.workspace_edit import Change, carried, versions, workspace_edit

if TYPE_CHECKING:
    from kibitz.server.edit.change import Edit, Target, Targets
    from kibitz.server.lsp.folders import Folder
    from kibitz.server.lsp.server import KibitzServer
    from kibitz.server.lsp.session import Session

_ATTEMPTS = 2


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(methods.EDIT)(edit)


async def edit(ls: "KibitzServer", params: methods.EditParams) -> dict[str, Any]:
    """Propose an edit and, if wanted, have the editor apply it."""
    session = ls.session
    first = _current(session, params.text_document)
    folder = session.folder_of(first)
    documents = [first, *_others(session, folder, params.files)]
    targets = await _targets(ls, folder, documents, params)

    def on_delta(text: str) -> None:
        ls.partial(params.partial_result_token, {"delta": text})

    def on_block(part: "Edit") -> None:
        ls.partial(params.partial_result_token, {"delta": "", "diff": part.diff()})

    cut = ""
    async with work_done(ls, "Kibitz: editing", params.work_done_token):
        try:
            proposed = await folder.app.propose(params.instruction, targets, on_delta, on_block)
        except UnfinishedEditError as error:
            proposed, cut = error.finished, str(error)
    # Comparing two versions of a long document takes a while.
    changes = await asyncio.to_thread(_changes, folder, documents, proposed)
    diff = await asyncio.to_thread(lambda: "".join(each.diff() for each in proposed))
    result: dict[str, Any] = {"applied": False, "diff": diff, "files": [each.uri for each in changes]}
    if cut:  # a part of what was asked for is offered, never applied
        return {**result, "edit": _in_words(ls, changes, params), "failureReason": cut}
    if not changes:
        return {**result, "failureReason": "The model proposed no change."}
    if not params.apply:
        return {**result, "edit": _in_words(ls, changes, params)}
    return {**result, **await _apply(ls, folder, changes, params)}


def target_of(session: "Session", document: Document, selection: lsp.Range | None) -> "Target":
    """Take what an edit sees, before anything is awaited."""
    from kibitz.server.edit.change import Target

    return Target(
        path=session.folder_of(document).path_in(document.home),
        text=document.text,
        span=lines_of(document, selection),
        language=document.language,
    )


def _current(session: "Session", ref: methods.DocumentRef) -> Document:
    document = session.documents.get(ref.uri)
    if ref.version is not None and ref.version != document.version:
        said = f"The document is at version {document.version}, not {ref.version}; ask again."
        raise RequestError(failures.REQUEST_FAILED, said)
    return document


def _others(session: "Session", folder: "Folder", refs: Sequence[methods.DocumentRef]) -> list[Document]:
    """Return those of the further files that are open, also under another spelling of the URI."""
    by_path = _open_files(session, folder)
    found = []
    for ref in refs:
        if session.documents.find(ref.uri) is not None:
            found.append(_current(session, ref))
        elif (document := by_path.get(_path_inside(folder, ref.uri))) is not None:
            found.append(document)
    return found


def _open_files(session: "Session", folder: "Folder") -> dict[str, Document]:
    """Return the open documents of a folder that are files, by their paths."""
    ours = [each for each in session.documents if each.home == each.uri and session.folder_of(each) is folder]
    return {folder.path_in(each.uri): each for each in ours}


async def _targets(
    ls: "KibitzServer", folder: "Folder", documents: Sequence[Document], params: methods.EditParams
) -> "Targets":
    """Take the files that may change, those that are open before anything is awaited.

    Raises:
        RequestError: a file is outside the folder, or the editor cannot do what is asked for.
        WorkspaceError: a file that is not open is not there, or a rule leaves it out of the index.
    """
    from kibitz.server.edit.change import Targets

    session, client = ls.session, ls.session.client
    for wanted, able, what in (
        (params.new_files, client.creates_files, "create"),
        (params.renames, client.renames_files, "rename"),
    ):
        if wanted and params.apply and not able:
            raise RequestError(failures.INVALID_PARAMS, f"The editor does not let a server {what} files.")
    first, *others = (target_of(session, one, params.range if one is documents[0] else None) for one in documents)
    opened = {one.uri for one in documents}
    paths = {_path_inside(folder, ref.uri) for ref in params.files if ref.uri not in opened}
    for path in sorted(paths - {first.path, *(other.path for other in others)}):
        others.append(await asyncio.to_thread(folder.app.file_to_edit, path))
    unique = {target.path: target for target in others if target.path != first.path}
    return Targets(first, tuple(unique.values()), params.new_files, params.renames)


def _path_inside(folder: "Folder", uri: str) -> str:
    path = path_of(uri)
    if folder.root is None or path is None or not path.is_relative_to(folder.root):
        raise RequestError(failures.INVALID_PARAMS, "files are those of the document's folder, as URIs.")
    return folder.path_in(uri)


def _changes(folder: "Folder", documents: Sequence[Document], edits: Sequence["Edit"]) -> list[Change]:
    """Give each edit that changes anything its file."""
    opened = {folder.path_in(document.home): document for document in documents}
    found = []
    for edit in edits:
        document = opened.get(edit.path)
        replacements = edit.replacements()
        if not replacements and not edit.is_new and not edit.new_path:
            continue
        uri = document.uri if document is not None else _uri(folder, edit.path)
        new_uri = _uri(folder, edit.new_path) if edit.new_path else ""
        found.append(Change(edit, uri, replacements, document, new_uri))
    return found


def _uri(folder: "Folder", path: str) -> str:
    if folder.root is None:
        raise EditError("No folder is open, so no file can be made in it.")
    return uri_of(folder.root, path)


async def _apply(
    ls: "KibitzServer", folder: "Folder", changes: Sequence[Change], params: methods.EditParams
) -> dict[str, Any]:
    """Send the edit; once more if a document moved on between our sending it and the editor's applying it."""
    if not ls.session.client.apply_edit:
        edit = _in_words(ls, changes, params)
        return {"edit": edit, "failureReason": "The editor does not let a server apply edits."}
    await asyncio.to_thread(_check_disk, folder, changes)
    changes = _as_open_now(ls.session, folder, changes)
    reason = ""
    for _ in range(_ATTEMPTS):
        sent = versions(changes)
        sent_texts = [each.document.text if each.document is not None else "" for each in changes]
        request = lsp.ApplyWorkspaceEditParams(edit=_in_words(ls, changes, params), label=_label(params))
        try:
            answer = await ls.workspace_apply_edit_async(request)
        except RequestError as error:  # an editor may refuse a stale version with an error instead
            reason = error.message
        else:
            if answer.applied:
                if params.review:
                    _await_review(ls, sent_texts, changes)
                return {"applied": True}
            reason = answer.failure_reason or ""
        if made := _made(sent_texts, changes):
            files = " and ".join(each.edit.path for each in made)
            return {"failureReason": f"The editor applied the edit to {files} alone: undo it there. {reason}".rstrip()}
        if versions(changes) == sent:
            break
    return {"failureReason": reason or "The editor did not apply the edit."}


def _as_open_now(session: "Session", folder: "Folder", changes: Sequence[Change]) -> list[Change]:
    """Take what has been opened meanwhile as the editor has it: it may have been typed in since.

    Raises:
        EditError: a file is open at a path that the edit makes or renames one to.
    """
    by_path = _open_files(session, folder)
    found = []
    for each in changes:
        taken = each.edit.path if each.edit.is_new else each.edit.new_path
        if taken in by_path:
            raise EditError(f"{taken} is open in the editor already; nothing was changed.")
        document = by_path.get(each.edit.path) if each.document is None else None
        found.append(each if document is None else replace(each, uri=document.uri, document=document))
    return found


def _made(before: Sequence[str], changes: Sequence[Change]) -> list[Change]:
    """Return the changes that an editor made though it did not apply the edit: not all of them undo what they did."""
    from kibitz.server.edit.change import apply

    pairs = [(text, each) for text, each in zip(before, changes, strict=True) if each.document and each.replacements]
    return [each for text, each in pairs if each.document and each.document.text == apply(text, carried(each, text))]


def _await_review(ls: "KibitzServer", before: Sequence[str], changes: Sequence[Change]) -> None:
    """Let the changes of open documents wait to be accepted or rejected."""
    for text, each in zip(before, changes, strict=True):
        if each.document is not None:
            ls.session.reviews.begin(each.document, text, carried(each, text))
    refresh(ls)


def _check_disk(folder: "Folder", changes: Sequence[Change]) -> None:
    """See that files that no editor has open are as they were when the edit was made.

    Raises:
        EditError: one is not.
    """
    for edit in (each.edit for each in changes if each.document is None and not each.edit.is_new):
        if folder.app.file_to_edit(edit.path).text != edit.old:
            raise EditError(f"{edit.path} changed on disk while the model answered; nothing was changed.")


def _in_words(ls: "KibitzServer", changes: Sequence[Change], params: methods.EditParams) -> lsp.WorkspaceEdit:
    session = ls.session
    return workspace_edit(changes, session.documents, session.client, label=_label(params), confirm=params.confirm)


def _label(params: methods.EditParams) -> str:
    return f"Kibitz: {params.instruction[:60]}"
