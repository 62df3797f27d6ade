"""What one client's connection holds: its documents, its folders, and the work under way."""

import asyncio
import contextlib
import functools
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types as lsp

from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.errors import ConfigError
from kibitz.server.lsp import failures
from kibitz.server.lsp.app_port import MakeApp
from kibitz.server.lsp.client import client_features
from kibitz.server.lsp.documents import Document, DocumentStore, Encoding, Place
from kibitz.server.lsp.failures import RequestError
from kibitz.server.lsp.folders import Folder, Folders
from kibitz.server.lsp.places import path_of
from kibitz.server.lsp.progress import Cancellations
from kibitz.server.lsp.reviews import Reviews

if TYPE_CHECKING:
    from kibitz.server.completion.ghost import Ghost


class Session:
    """Everything between `initialize` and `exit`."""

    def __init__(self, make_app: MakeApp, params: lsp.InitializeParams, encoding: str) -> None:
        """Build the apps of the workspace folders.

        Raises:
            ConfigError: a setting is wrong.
        """
        options = _object(params.initialization_options, "initializationOptions")
        self.client = client_features(params.capabilities)
        self.documents = DocumentStore(cast(Encoding, encoding))
        self.folders = Folders(make_app, _roots(params), options)
        self.cancellations = Cancellations()
        self.background: set[asyncio.Task[Any]] = set()
        self.told: tuple[str, str] = ("", "")
        self.reviews = Reviews()
        self.configuring = asyncio.Lock()
        self.passed_over: set[str] = set()
        self._turns: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._completing: dict[str, asyncio.Task[Any]] = {}

    @functools.cached_property
    def ghost(self) -> "Ghost":
        """Ghost text; what that needs is not loaded before `initialize` is answered."""
        from kibitz.server.completion.ghost import Ghost

        return Ghost(lambda uri: self.folders.of(uri).app)

    def turn(self, conversation: str) -> asyncio.Lock:
        """What a question holds until it is kept: the next of its conversation sees what became of it, also stopped."""
        return self._turns.setdefault(conversation, asyncio.Lock())

    def folder_of(self, document: Document) -> Folder:
        """The folder whose app answers for a document: the innermost that holds it, else the first."""
        return self.folders.of(document.home)

    def asked_folder(self, uri: str, documents: Sequence[Document] = ()) -> Folder:
        """The folder that a request without a cursor is about: the one it names, its documents', else the first.

        Raises:
            RequestError: the request names none that is open.
        """
        if uri:
            return self.asked_folders(uri)[0]
        return next((one for document in documents if (one := self.folders.holding(document.home))), self.folders.first)

    def asked_folders(self, uri: str) -> list[Folder]:
        """The folders that a request is about: the one it names, else all; none where no folder is open.

        Raises:
            RequestError: the request names none that is open.
        """
        if not uri:
            return list(self.folders)
        if (folder := self.folders.holding(uri)) is None:
            raise RequestError(failures.INVALID_PARAMS, "folder is not the URI of an open folder or of a file in one.")
        return [folder]

    def snapshot(self, document: Document, place: Place) -> Snapshot:
        """Take what a completion sees, before anything is awaited."""
        prefix, suffix = document.around(place)
        return Snapshot(
            path=self.folder_of(document).path_in(document.home),
            version=document.version,
            prefix=prefix,
            suffix=suffix,
            language=document.language,
        )

    @contextlib.contextmanager
    def only_completion(self, uri: str) -> Iterator[None]:
        """Cancel the completion that is under way in this document and be the one under way."""
        task = asyncio.current_task()
        assert task is not None
        if (older := self._completing.get(uri)) is not None:
            older.cancel()
        self._completing[uri] = task
        try:
            yield
        finally:
            if self._completing.get(uri) is task:
                del self._completing[uri]

    def in_background(self, task: asyncio.Task[Any]) -> asyncio.Task[Any]:
        """Keep a task until it ends, so that it is neither collected nor forgotten at the end."""
        self.background.add(task)
        task.add_done_callback(self.background.discard)
        return task

    async def close(self) -> None:
        """Stop the work under way and free what the apps hold."""
        for task in self.background:
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)
        if "ghost" in vars(self):
            self.ghost.close()
        await self.folders.close()


def _roots(params: lsp.InitializeParams) -> list[Path]:
    if params.workspace_folders:
        return [path for folder in params.workspace_folders if (path := path_of(folder.uri)) is not None]
    if params.root_uri:
        root = path_of(params.root_uri)
        return [root] if root is not None else []
    return [Path(params.root_path)] if params.root_path else []


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name} must be an object with settings by name.")
    return value
