"""Ghost text as a session shows it: what is in hand first, then a wait that fits the typing, then the model."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kibitz.server.completion.debounce import Rhythm, wait_s
from kibitz.server.completion.quiet import kind_of
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.completion.stats import FILE, Stats, is_kept
from kibitz.server.completion.switches import is_off
from kibitz.server.completion.through import Held, InHand

if TYPE_CHECKING:
    from kibitz.server.completion.suggest import Suggestion
    from kibitz.server.config import Config

CANDIDATES = 3  # where somebody asks by hand
REMEMBERED = 1_000  # answers, so that nothing is counted twice
LOOKS = ((30.0, "30s"), (270.0, "5m"))  # seconds to wait, one after the other, and what the counts are called


class Suggests(Protocol):
    """What ghost text needs of the program."""

    config: "Config"

    def prepare(self, at: Snapshot, due_s: float) -> None:
        """Begin what a suggestion will need that may be asked for in `due_s` seconds."""
        ...

    async def suggest(self, at: Snapshot) -> "Suggestion | None":
        """Return the likeliest suggestion."""
        ...

    async def suggest_several(self, at: Snapshot, count: int) -> "Sequence[Suggestion]":
        """Return up to so many suggestions that differ, the likeliest first."""
        ...

    def first_token_s(self) -> float | None:
        """Return what the model's last answers usually took to begin, in seconds; None: nothing is known."""
        ...


@dataclass(frozen=True, slots=True)
class Offer:
    """Something to show, and the number of the answer that it is from; its texts have the answer's order."""

    number: int
    texts: tuple[str, ...]


class Ghost:
    """The ghost text of one session."""

    def __init__(
        self,
        app_of: Callable[[str], Suggests],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._app_of = app_of  # of a document's URI
        self._clock = clock
        self._sleep = sleep
        self._in_hand = InHand()
        self._rhythm = Rhythm()
        self._ahead: dict[str, tuple[Snapshot, asyncio.Task[Held | None]]] = {}
        self._counted: deque[tuple[int, str]] = deque(maxlen=REMEMBERED)
        self._stats: Stats | None = None

    @property
    def stats(self) -> Stats:
        """The statistics, read when they are first needed."""
        if self._stats is None:
            self._stats = Stats(self._app_of("").config.data_dir / FILE)
        return self._stats

    def typed(self) -> None:
        """Take note of a key."""
        self._rhythm.typed(self._clock())

    def off(self, uri: str, at: Snapshot) -> bool:
        """Tell whether the settings switch ghost text off there."""
        patterns = self._app_of(uri).config.completion_off
        return bool(patterns) and is_off(patterns, at.path, at.language)

    async def offer(self, uri: str, at: Snapshot, *, automatic: bool) -> Offer | None:
        """Return what to show at a cursor; None for nothing.

        Raises:
            ModelError, NoModelError, BudgetError and other errors of `USER_ERRORS`: nothing could be asked.
        """
        if self.off(uri, at):
            return None
        if not automatic:
            return self._shown(await self._ask(uri, at, CANDIDATES))
        if (found := self._in_hand.find(uri, at)) is not None:
            return self._shown(found[0], found[1])
        if (ahead := self._take_ahead(uri, at)) is not None:
            return self._shown(await ahead)
        if self.stats.silent((at.language, kind_of(at))):
            return None
        app = self._app_of(uri)
        due_s = wait_s(self._rhythm.gap_s, app.first_token_s())
        app.prepare(at, due_s)
        await self._sleep(due_s)
        return self._shown(await self._ask(uri, at, 1))

    def accepted(self, number: int) -> tuple[str, Held] | None:
        """Count an answer as taken; return its document and itself, None for one that is not known (any more)."""
        return self._count(number, "accepted")

    def partly_accepted(self, number: int) -> None:
        """Count an answer of which a part was taken; once, however many parts follow."""
        self._count(number, "partial")

    def look_ahead(self, uri: str, at: Snapshot) -> None:
        """Ask for the suggestion that follows one that was taken, before the editor does."""
        self._drop_ahead(uri)
        self._ahead[uri] = (at.with_line_feeds(), asyncio.create_task(self._ask_ahead(uri, at)))

    async def look_again(self, held: Held, document: Callable[[], str | None]) -> None:
        """Count after a while whether an accepted text is still there; a document that was closed is not counted."""
        for seconds, name in LOOKS:
            await self._sleep(seconds)
            now = document()
            if now is None:
                return
            kept = any(is_kept(text, now) for text in held.texts)
            self.stats.add(held.key, **{f"looked_{name}": 1, f"kept_{name}": int(kept)})

    def left_at(self, uri: str, at: Snapshot) -> tuple[int, str] | None:
        """Return the number of the answer that serves at a cursor, and what is left of it."""
        found = self._in_hand.find(uri, at)
        return (found[0].number, found[1]) if found else None

    def forget(self, uri: str) -> None:
        """Let go of a document that was closed."""
        self._in_hand.forget(uri)
        self._drop_ahead(uri)

    def close(self) -> None:
        """Stop, and write down what was counted."""
        for uri in list(self._ahead):
            self._drop_ahead(uri)
        if self._stats is not None:
            self._stats.save(now=True)

    async def _ask(self, uri: str, at: Snapshot, count: int) -> Held | None:
        began = self._clock()
        if count > 1:
            found = await self._app_of(uri).suggest_several(at, count)
        else:
            one = await self._app_of(uri).suggest(at)
            found = (one,) if one is not None else ()
        texts = tuple(suggestion.text for suggestion in found if suggestion.text)
        if not texts:
            return None
        self.stats.took(self._clock() - began)
        return self._in_hand.hold(uri, at, texts, (at.language, kind_of(at)))

    async def _ask_ahead(self, uri: str, at: Snapshot) -> Held | None:
        from kibitz.server.errors import USER_ERRORS

        try:
            return await self._ask(uri, at, 1)
        except USER_ERRORS:
            return None  # nobody has asked yet; whoever does is told

    def _take_ahead(self, uri: str, at: Snapshot) -> "asyncio.Task[Held | None] | None":
        """Return what is being asked already for the same text; a question for another text is called off."""
        asked, task = self._ahead.get(uri, (None, None))
        if asked is None or task is None:
            return None
        now = at.with_line_feeds()
        if task.cancelled() or (asked.prefix, asked.suffix) != (now.prefix, now.suffix):
            self._drop_ahead(uri)
            return None
        del self._ahead[uri]
        return task

    def _drop_ahead(self, uri: str) -> None:
        if uri in self._ahead:
            _, task = self._ahead.pop(uri)
            task.cancel()

    def _shown(self, held: Held | None, left: str | None = None) -> Offer | None:
        if held is None:
            return None
        self._count(held.number, "shown")
        self.stats.save()
        return Offer(held.number, held.texts if left is None else (left,))

    def _count(self, number: int, name: str) -> tuple[str, Held] | None:
        """Count what became of an answer, each once; return the answer's document and the answer."""
        found = self._in_hand.numbered(number)
        if found is not None and (number, name) not in self._counted:
            self._counted.append((number, name))
            self.stats.add(found[1].key, **{name: 1})
        return found
