"""What one client's connection holds: its documents, its app, and the work under way."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from lsprotocol import types as lsp

from kibitz.server.completion.ghost import Ghost
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.errors import ConfigError
from kibitz.server.lsp.ahead import Ahead
from kibitz.server.lsp.app_port import AppPort, MakeApp
from kibitz.server.lsp.client import client_features
from kibitz.server.lsp.documents import Document, DocumentStore, Encoding, Place
from kibitz.server.lsp.indexing import IndexRounds
from kibitz.server.lsp.places import path_of, relative_path
from kibitz.server.lsp.progress import Cancellations


class Session:
    """Everything between `initialize` and `exit`."""

    def __init__(self, make_app: MakeApp, params: lsp.InitializeParams, encoding: str) -> None:
        """Build the app of the first workspace folder.

        Raises:
            ConfigError: a setting is wrong.
        """
        self._make_app = make_app
        self._nowhere: Path | None = None
        self._options = _object(params.initialization_options, "initializationOptions")
        self.client = client_features(params.capabilities)
        self.documents = DocumentStore(cast(Encoding, encoding))
        self.cancellations = Cancellations()
        self.background: set[asyncio.Task[Any]] = set()
        self.following: asyncio.Task[Any] | None = None
        self.due: asyncio.Task[Any] | None = None
        self.watching = "off"
        self.told: tuple[str, str] = ("", "")
        self.root = _first_folder(params)
        self.app: AppPort = make_app(self.root or self._empty_folder(), self._options)
        self.rounds = IndexRounds(self.app.index)
        self.ahead = Ahead(self.app)
        self.ghost = Ghost(self.app)
        self._completing: dict[str, asyncio.Task[Any]] = {}

    async def reconfigure(self, options: Mapping[str, Any] | None, root: Path | None) -> None:
        """Go on with other settings or another folder; a wrong setting leaves everything as it was.

        Raises:
            ConfigError: a setting is wrong.
        """
        merged = self._options if options is None else {**self._options, **options}
        app = self._make_app(root or self._empty_folder(), merged)
        before, self.app = self.app, app
        ahead, self.ahead = self.ahead, Ahead(app)
        self.ghost.close()
        self.ghost = Ghost(app)
        self._options, self.root, self.rounds = merged, root, IndexRounds(app.index)
        await ahead.close()
        await before.close()

    def snapshot(self, document: Document, place: Place) -> Snapshot:
        """Take what a completion sees, before anything is awaited."""
        prefix, suffix = document.around(place)
        return Snapshot(
            path=relative_path(document.uri, self.root),
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
        """Stop the work under way and free what the app holds."""
        for task in self.background:
            task.cancel()
        await asyncio.gather(*self.background, return_exceptions=True)
        await self.ahead.close()
        self.ghost.close()
        await self.app.close()
        if self._nowhere is not None:
            shutil.rmtree(self._nowhere, ignore_errors=True)

    def _empty_folder(self) -> Path:
        """Without a workspace the app gets a folder with nothing in it, and the features of documents work."""
        if self._nowhere is None:
            self._nowhere = Path(tempfile.mkdtemp(prefix="kibitz-no-workspace-"))
        return self._nowhere


def _first_folder(params: lsp.InitializeParams) -> Path | None:
    if params.workspace_folders:
        return path_of(params.workspace_folders[0].uri)
    if params.root_uri:
        return path_of(params.root_uri)
    return Path(params.root_path) if params.root_path else None


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name} must be an object with settings by name.")
    return value
