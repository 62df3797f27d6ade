"""The program behind the language server, scripted: it plays what it is given and remembers what it was asked."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kibitz.indexer.answer import Answer, Freshness
from kibitz.indexer.types import Hit
from kibitz.prompts.rendered import Rendered, RenderedMessage
from kibitz.server.chat.beside import Beside, Composed
from kibitz.server.chat.question import Question
from kibitz.server.chat.sessions import Sessions
from kibitz.server.chat.sources import Why
from kibitz.server.chat.suggestions import Offered
from kibitz.server.completion.recent import Recent
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.config import Config
from kibitz.server.edit.change import Edit, Target, Targets, whole_file
from kibitz.server.llm.ports import Delta

if TYPE_CHECKING:
    from kibitz.indexer.explain import FileStatus
    from kibitz.indexer.filters import Filters
    from kibitz.indexer.grep import Query
    from kibitz.indexer.index import Progress, Report
    from kibitz.indexer.lookup import Place
    from kibitz.indexer.plan import Plan
    from kibitz.server.completion.suggest import Suggestion


NOWHERE = Path(os.devnull) / "data"  # no statistics are written there


def rendered(text: str) -> Rendered:
    """A prompt of one user message."""
    return Rendered(
        messages=(RenderedMessage("user", text),),
        text=None,
        tokens=len(text.split()),
        reserved=10,
        budget=1000,
        cutoff=0.0,
        tokenizer="words",
        exact=True,
    )


@dataclass
class FakeApp:
    """Plays `suggestion`, `pieces`, `edits`, `hits`; waits before each for as long as `gate` is closed."""

    config: Config = field(default_factory=lambda: Config(index_on_start=False, data_dir=NOWHERE))
    recent: Recent = field(default_factory=Recent)
    suggestion: str | None = "suggested()"
    others: Sequence[str] = ()
    first_token: float | None = None
    pieces: Sequence[str] = ("Hel", "lo")
    edits: Callable[[str], str] = str.upper
    more_edits: tuple[Edit, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    hits: Sequence[Hit] = ()
    freshness: Freshness = field(default_factory=Freshness)
    notes: tuple[str, ...] = ()
    offered: Sequence[Offered] = ()
    phases: Sequence[tuple[str, int, int]] = (("parse", 1, 2), ("embed", 2, 2))
    error: Exception | None = None
    root: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    narrowed: Mapping[str, Any] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[Any] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    seen: list[dict[str, str | None]] = field(default_factory=list)
    told: list[list[str]] = field(default_factory=list)
    rests: int = 0
    index_rounds: int = 0
    rebuilds: int = 0
    planned: "Plan | None" = None
    places: "Sequence[Place]" = ()
    paths: Mapping[str, list[str]] = field(default_factory=dict)  # by rule or language
    statuses: Mapping[str, "FileStatus"] = field(default_factory=dict)  # by path
    closed: bool = False
    sessions: Sessions = field(init=False)

    def __post_init__(self) -> None:
        self.gate.set()
        self.sessions = Sessions(self.config.data_dir, Path("/w"))

    def make(self, root: Path, options: Mapping[str, Any], narrowed: Mapping[str, Any]) -> "FakeApp":
        """The factory that the server is given."""
        self.root, self.options, self.narrowed = root, options, narrowed
        return self

    async def search(
        self, query: str, k: int, within: str = "", filters: "Filters | None" = None, *, rerank: bool = False
    ) -> Answer:
        await self._reach("search", (query, k, within) if filters is None else (query, k, within, filters))
        hits, by = (self.hits[::-1], "backwards") if rerank else (self.hits, "")
        return Answer(tuple(hits[:k]), ("lexical", "vector"), self.freshness, self.notes, by)

    async def grep(self, query: "Query", k: int, within: str = "", filters: "Filters | None" = None) -> Answer:
        await self._reach("grep", (query, k, within, filters))
        return Answer(tuple(self.hits[:k]), ("regex",), self.freshness, self.notes)

    async def symbols(self, begun: str, k: int) -> "Sequence[Place]":
        await self._reach("symbols", (begun, k))
        return self.places[:k]

    def changed(self, paths: Collection[str]) -> None:
        self.told.append(sorted(paths))

    async def compose(self, text: str, beside: Beside) -> Composed:
        whys: dict[str, Why] = dict.fromkeys((item.label for item in beside.attached), "selected")
        return Composed(Question(text, attached=beside.attached, history=beside.history, whys=whys))

    async def suggestions(self, text: str) -> Sequence[Offered]:
        return self.offered

    async def ask_prompt(self, question: Question, session: str = "") -> Rendered:
        self.asked.append(("ask", question))
        return rendered(question.text)

    async def ask(self, rendered: Rendered) -> AsyncIterator[Delta]:
        for piece in self.pieces:
            yield Delta(piece)
            await self._reach("ask", rendered.messages)
        yield Delta(finish_reason="stop")

    async def completion_prompt(self, at: Snapshot) -> Rendered:
        return rendered(at.prefix + "<cursor>" + at.suffix)

    async def warm(self, at: Snapshot) -> None:
        """Nothing is cold here."""

    def prepare(self, at: Snapshot, due_s: float) -> None:
        """Nothing is slow here."""

    async def suggest(self, at: Snapshot) -> "Suggestion | None":
        from kibitz.server.completion.suggest import Suggestion

        await self._reach("suggest", at)
        return None if self.suggestion is None else Suggestion(self.suggestion)

    async def suggest_several(self, at: Snapshot, count: int) -> "Sequence[Suggestion]":
        from kibitz.server.completion.suggest import Suggestion

        first = await self.suggest(at)
        return () if first is None else (first, *(Suggestion(text) for text in self.others[: count - 1]))

    def first_token_s(self) -> float | None:
        return self.first_token

    async def edit_prompt(self, instruction: str, targets: Targets) -> Rendered:
        return rendered(instruction)

    async def propose(
        self,
        instruction: str,
        targets: Targets,
        on_delta: Callable[[str], None] | None = None,
        on_block: Callable[[Edit], None] | None = None,
    ) -> tuple[Edit, ...]:
        if on_delta is not None:
            on_delta("thinking")
        await self._reach("edit", (instruction, targets.first))
        edits = []
        for target in targets.files:
            before, middle, after = target.parts()
            edits.append(Edit(target.path, target.text, before + self.edits(middle) + after))
            if on_block is not None:
                on_block(edits[-1])
        return (*edits, *self.more_edits)

    def file_to_edit(self, path: str) -> Target:
        return whole_file(path, self.files[path])

    def sent_prompts(self, last: int) -> Sequence[Mapping[str, Any]]:
        sent = {"at": 1.5, "model": "fake", "endpoint": "http://x/v1", "messages": None}
        return [{**sent, "text": f"prompt {number}"} for number in (2, 1)][:last]

    async def index(self, on_progress: "Callable[[Progress], None]", *, rebuild: bool = False) -> "Report":
        from kibitz.indexer.index import Progress, Report

        self.index_rounds += 1
        self.rebuilds += rebuild
        for phase in self.phases:
            on_progress(Progress(*phase))
            await self._reach("index", phase)
        return Report(2, 5, 2, 5, 0, {"binary": 1}, 0.5, 1)

    def plan(self) -> "Plan":
        from kibitz.indexer.plan import Amount, Plan

        return self.planned or Plan(0, 0, 0, 0, {}, {}, Amount(), Amount(), {}, {})

    def paths_of(self, *, rule: str = "", language: str = "") -> list[str]:
        return self.paths.get(rule or language, [])

    def file_status(self, file: Path) -> "FileStatus":
        from kibitz.indexer.errors import WorkspaceError

        name = os.path.relpath(file, self.root or file.parent)
        if name not in self.statuses:
            raise WorkspaceError(f"There is no file {name}.")
        return self.statuses[name]

    async def see(self, documents: Mapping[str, str | None]) -> None:
        self.seen.append(dict(documents))

    async def rest(self) -> None:
        self.rests += 1

    def status(self) -> dict[str, Any]:
        time.sleep(0)  # blocking, as reading the disk is
        return {"root": str(self.root), "model": "fake"}

    async def close(self) -> None:
        self.closed = True

    async def _reach(self, what: str, detail: Any) -> None:
        self.asked.append((what, detail))
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(what)
            raise
        if self.error is not None:
            raise self.error
