"""Files that the editor says have come, gone or moved; a disk that rings no bell is heard of in this way alone."""

from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from kibitz.server.lsp.handlers.follow import changed_on_disk

if TYPE_CHECKING:
    from kibitz.server.lsp.server import KibitzServer

_EVERY_FILE = lsp.FileOperationRegistrationOptions(
    [lsp.FileOperationFilter(pattern=lsp.FileOperationPattern(glob="**"), scheme="file")]
)


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(lsp.WORKSPACE_DID_CREATE_FILES, _EVERY_FILE)(did_create)
    ls.feature(lsp.WORKSPACE_DID_DELETE_FILES, _EVERY_FILE)(did_delete)
    ls.feature(lsp.WORKSPACE_DID_RENAME_FILES, _EVERY_FILE)(did_rename)
    ls.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)(did_change_watched)


def did_create(ls: "KibitzServer", params: lsp.CreateFilesParams) -> None:
    """Look at new files."""
    changed_on_disk(ls, [file.uri for file in params.files])


def did_delete(ls: "KibitzServer", params: lsp.DeleteFilesParams) -> None:
    """See that files are gone."""
    changed_on_disk(ls, [file.uri for file in params.files])


def did_rename(ls: "KibitzServer", params: lsp.RenameFilesParams) -> None:
    """See that files are gone from one place and have come to another, which may be another folder."""
    changed_on_disk(ls, [uri for file in params.files for uri in (file.old_uri, file.new_uri)])


def did_change_watched(ls: "KibitzServer", params: lsp.DidChangeWatchedFilesParams) -> None:
    """Look at files that the client watches of its own accord."""
    changed_on_disk(ls, [change.uri for change in params.changes])
