"""The workspace folders that the editor has open: an app for each, and which of them a document belongs to."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kibitz.server.lsp.ahead import Ahead
from kibitz.server.lsp.app_port import AppPort, MakeApp
from kibitz.server.lsp.indexing import IndexRounds
from kibitz.server.lsp.places import path_of, relative_path


class Folder:
    """One folder with its app and the work under way for it; without a root it stands for "no folder is open"."""

    def __init__(self, root: Path | None, app: AppPort, turn: asyncio.Lock) -> None:
        self.root = root
        self.narrowed: Mapping[str, Any] = {}  # the editor's settings for this folder alone
        self.watching = "off"
        self.following: asyncio.Task[Any] | None = None
        self.due: asyncio.Task[Any] | None = None
        self._turn = turn
        self._take(app)

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.root.name or str(self.root) if self.root is not None else ""

    def path_in(self, uri: str) -> str:
        """The path of a file in this folder, with "/"; of one outside it the name alone."""
        return relative_path(uri, self.root)

    async def use(self, app: AppPort) -> None:
        """Go on with another app, and close the one so far."""
        before, ahead = self.app, self.ahead
        self._take(app)
        await ahead.close()
        await before.close()

    async def close(self) -> None:
        """Stop the work under way and free what the app holds."""
        tasks = [task for task in (self.following, self.due) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.rounds.stop()
        await self.ahead.close()
        await self.app.close()

    def _take(self, app: AppPort) -> None:
        self.app, self.ahead, self.rounds = app, Ahead(app), IndexRounds(app.index, self._turn)


class Folders:
    """The open folders, in the editor's order; their index rounds take turns."""

    def __init__(self, make_app: MakeApp, roots: Iterable[Path], options: Mapping[str, Any]) -> None:
        """Build an app for each folder, or for an empty one where none is open.

        Raises:
            ConfigError: a setting is wrong.
        """
        self._make_app = make_app
        self._options = options
        self._turn = asyncio.Lock()
        self._nowhere: Path | None = None
        self._all: list[Folder] = [self._made(root) for root in dict.fromkeys(roots)] or [self._made(None)]

    def __iter__(self) -> Iterator[Folder]:
        return (folder for folder in self._all if folder.root is not None)

    @property
    def first(self) -> Folder:
        """The first open folder; without any, one with nothing in it, whose app serves what needs only documents."""
        return self._all[0]

    @property
    def several(self) -> bool:
        """Whether a folder has to be named to be understood."""
        return len(self._all) > 1

    @property
    def indexing(self) -> bool:
        """Whether a round is under way in any of them."""
        return any(folder.rounds.running for folder in self._all)

    def holding(self, uri: str) -> Folder | None:
        """The innermost folder that a file is in; None for one outside of all, or none on disk."""
        path = path_of(uri)
        if path is None:
            return None
        for resolved in (False, True):
            if resolved:
                path = path.resolve()
            roots = ((root.resolve() if resolved else root, one) for one in self if (root := one.root) is not None)
            inside = [(len(root.parts), one) for root, one in roots if path.is_relative_to(root)]
            if inside:
                return max(inside, key=lambda pair: pair[0])[1]
        return None

    def of(self, uri: str) -> Folder:
        """The folder whose app answers for a document."""
        return self.holding(uri) or self.first

    async def reconfigure(self, options: Mapping[str, Any]) -> None:
        """Add settings to those so far; a wrong one leaves everything as it was.

        Raises:
            ConfigError: a setting is wrong.
        """
        merged = {**self._options, **options}
        apps = [(folder, self._app(folder.root, merged, folder.narrowed)) for folder in self._all]
        self._options = merged
        await asyncio.gather(*(folder.use(app) for folder, app in apps))

    async def narrow(self, settings: Mapping[Folder, Mapping[str, Any]]) -> None:
        """Give folders settings of their own; those for which they are the ones so far go on as they are.

        Raises:
            ConfigError: a setting is wrong; nothing has changed.
        """
        differ = [one for one in self._all if one in settings and settings[one] != one.narrowed]
        apps = [(folder, self._app(folder.root, self._options, settings[folder])) for folder in differ]
        for folder in differ:
            folder.narrowed = settings[folder]
        await asyncio.gather(*(folder.use(app) for folder, app in apps))

    async def change(self, removed: Collection[Path], added: Sequence[Path]) -> list[Folder]:
        """Close and open folders.

        Returns:
            Those that are new.

        Raises:
            ConfigError: a setting is wrong in the file of one that was to be opened; nothing has changed.
        """
        kept = [folder for folder in self if folder.root not in removed]
        there = {folder.root for folder in kept}
        made = [self._made(root) for root in dict.fromkeys(added) if root not in there]
        gone = [folder for folder in self._all if folder not in kept]
        self._all = kept + made or [self._made(None)]
        await asyncio.gather(*(folder.close() for folder in gone))
        return made

    async def close(self) -> None:
        """Close all of them."""
        await asyncio.gather(*(folder.close() for folder in self._all))
        if self._nowhere is not None:
            import shutil

            shutil.rmtree(self._nowhere, ignore_errors=True)

    def _made(self, root: Path | None) -> Folder:
        return Folder(root, self._app(root, self._options, {}), self._turn)

    def _app(self, root: Path | None, options: Mapping[str, Any], narrowed: Mapping[str, Any]) -> AppPort:
        return self._make_app(root or self._empty(), options, narrowed)

    def _empty(self) -> Path:
        """A folder with nothing in it, for an app without a workspace."""
        if self._nowhere is None:
            import tempfile

            self._nowhere = Path(tempfile.mkdtemp(prefix="kibitz-no-workspace-"))
        return self._nowhere
