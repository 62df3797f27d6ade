"""The index side of a workspace: searched, kept up to date, and looked at ahead of its next round."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kibitz.indexer.errors import NotIndexedError
from kibitz.server.config import Config
from kibitz.server.rerank import SecondStage
from kibitz.server.unseen import Unseen

if TYPE_CHECKING:
    from kibitz.indexer.answer import Answer, Freshness
    from kibitz.indexer.embed import Embedder
    from kibitz.indexer.explain import FileStatus
    from kibitz.indexer.filters import Filters
    from kibitz.indexer.grep import Query
    from kibitz.indexer.index import IndexStatus, Progress, Report
    from kibitz.indexer.live import LiveParser
    from kibitz.indexer.lookup import Place
    from kibitz.indexer.plan import Plan
    from kibitz.indexer.search import Searcher
    from kibitz.indexer.types import Hit
    from kibitz.indexer.workspace import Rules


class Indexed:
    """One workspace with its index. Nothing is opened before it is needed."""

    def __init__(self, root: Path, config: Config, environ: Mapping[str, str]) -> None:
        self.root = root
        self.config = config
        self.second_stage = SecondStage(config)
        self._environ = environ
        self._embedder: Embedder | None = None
        self._searcher: Searcher | None = None
        self._live: LiveParser | None = None
        self._unseen = Unseen()

    @property
    def rules(self) -> "Rules":
        """Which files the settings let into the index."""
        from kibitz.indexer.workspace import Rules

        return Rules(max_bytes=self.config.max_file_bytes, ignore=self.config.ignore)

    def embedder(self) -> "Embedder":
        """The embedder that the settings name, loaded once."""
        if self._embedder is None:
            from kibitz.server.models import embedder_for

            self._embedder = embedder_for(self.config)
        return self._embedder

    def searcher(self) -> "Searcher":
        """The index, opened once and looked at again for a newer version at each call.

        Raises:
            NotIndexedError: no index round has been made yet.
        """
        if self._searcher is None:
            from kibitz.indexer.search import Searcher

            self._searcher = Searcher.open(self.root, cache_dir=self.config.cache_dir, embedder=self.embedder())
        else:
            self._searcher.refresh()
        return self._searcher

    def search_now(self, query: str, k: int, within: str = "", filters: "Filters | None" = None) -> "Answer":
        """Search in this thread; see `searching`, which answers also where there is no index yet."""
        from kibitz.indexer.filters import NO_FILTERS
        from kibitz.server import searching

        return searching.search(self, query, k, within=within, filters=filters or NO_FILTERS)

    async def search(
        self, query: str, k: int, within: str = "", filters: "Filters | None" = None, *, rerank: bool = False
    ) -> "Answer":
        """Search off the event loop; with `rerank` the second stage orders the hits, if one is set."""
        if not rerank:
            return await asyncio.to_thread(self.search_now, query, k, within, filters)
        many = self.second_stage.candidates(k)
        answer = await asyncio.to_thread(self.search_now, query, many, within, filters)
        return await self.second_stage.answer(query, answer, k)

    def grep_now(self, query: "Query", k: int, within: str = "", filters: "Filters | None" = None) -> "Answer":
        """Search with a regular expression in this thread.

        Raises:
            PatternError: the expression is wrong.
        """
        from kibitz.indexer.filters import NO_FILTERS
        from kibitz.server import searching

        return searching.grep(self, query, k, within=within, filters=filters or NO_FILTERS)

    async def grep(self, query: "Query", k: int, within: str = "", filters: "Filters | None" = None) -> "Answer":
        """Search with a regular expression off the event loop."""
        return await asyncio.to_thread(self.grep_now, query, k, within, filters)

    async def symbols(self, begun: str, k: int) -> "Sequence[Place]":
        """The first k definitions whose names hold a piece, off the event loop; none where there is no index."""

        def look() -> "Sequence[Place]":
            try:
                return self.searcher().symbols(begun, k)
            except NotIndexedError:
                return []

        return await asyncio.to_thread(look)

    def changed(self, paths: Collection[str]) -> None:
        """Take note of files that have changed: answers say how many the index has not seen, from now on."""
        self._unseen.tell(paths)

    def freshness(self, is_ahead: Callable[[str], bool] = lambda _: False) -> "Freshness":
        """What this process knows of how near answers are; `is_ahead` names files that they have as they are."""
        from kibitz.indexer.answer import Freshness

        return Freshness(indexing=self._unseen.rounds > 0, behind=self._unseen.files(is_ahead))

    async def retrieve(self, query: str, k: int) -> "Sequence[Hit]":
        """Context for a prompt: several chunks of one file are welcome, and no index is not an error."""
        from kibitz.server.retrieval import retriever

        try:
            searcher = await asyncio.to_thread(self.searcher)
        except NotIndexedError:
            return []
        return await retriever(searcher)(query, k)

    async def retrieve_reranked(self, query: str, k: int) -> "Sequence[Hit]":
        """`retrieve`, and the second stage if one is set: for what waits for a model's answer anyway."""
        hits = await self.retrieve(query, self.second_stage.candidates(k))
        return (await self.second_stage.rerank(query, hits, k)).hits

    async def index(self, on_progress: "Callable[[Progress], None]", *, rebuild: bool = False) -> "Report":
        """Bring the index up to date, or make it anew, in a child process; cancelling this ends the child.

        Raises:
            IndexerError: the child's own sentence.
        """
        from kibitz.server.child import as_environment, index_in_child

        with self._unseen.round():
            environ = {**self._environ, **as_environment(self.config)}
            return await index_in_child(self.root, environ, on_progress, rebuild=rebuild)

    async def see(self, documents: Mapping[str, str | None]) -> None:
        """Answer searches from these files of the index as they are now, ahead of the next round.

        Args:
            documents: paths with an open document's text, or None for the file on disk.
        """
        await asyncio.to_thread(self._see_now, documents)

    def _see_now(self, documents: Mapping[str, str | None]) -> None:
        from kibitz.indexer.live import LiveParser

        try:
            searcher = self.searcher()
        except NotIndexedError:
            return
        most = self.config.max_file_bytes
        known = {path: text for path, text in documents.items() if searcher.knows(path) and len(text or "") <= most}
        if not known:
            return
        if self._live is None:
            self._live = LiveParser(self.root, self.embedder(), most)
        searcher.put_ahead(self._live.see(known))

    async def rest(self) -> None:
        """End the process that parses open documents; it is started again when it is needed."""
        if self._live is not None:
            await asyncio.to_thread(self._live.close)

    def plan(self) -> "Plan":
        """What a round would look at: how much is let in and left out; reads the disk.

        Raises:
            WorkspaceError: the folder cannot be read.
        """
        from kibitz.indexer.plan import plan

        return plan(self.root, cache_dir=self.config.cache_dir, embedder=self.embedder(), rules=self.rules)

    def paths_of(self, *, rule: str = "", language: str = "") -> list[str]:
        """The paths that a rule leaves out, or those of a language that are let in; reads the disk.

        Raises:
            WorkspaceError: the folder cannot be read.
        """
        from kibitz.indexer.plan import paths_of

        cache, embedder = self.config.cache_dir, self.embedder()
        return paths_of(self.root, cache_dir=cache, embedder=embedder, rules=self.rules, rule=rule, language=language)

    def file_status(self, file: Path) -> "FileStatus":
        """Why a file is in the index, or why it is not; reads the disk.

        Raises:
            WorkspaceError: the file is outside the workspace, is a folder or does not exist.
        """
        from kibitz.indexer.explain import file_status

        return file_status(self.root, file, cache_dir=self.config.cache_dir, embedder=self.embedder(), rules=self.rules)

    def index_status(self) -> "IndexStatus":
        """What is indexed, and how far behind it is."""
        from kibitz.indexer.index import status

        return status(self.root, cache_dir=self.config.cache_dir, embedder=self.embedder(), rules=self.rules)
