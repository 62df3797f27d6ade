"""The budget of ghost text: measured while it is written, remembered between runs, chosen for each prompt."""

import asyncio
import contextlib
import json
import math
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from kibitz.prompts.pace import Choice, Observation, Pace, choose
from kibitz.server.chat.stream import closing
from kibitz.server.llm.ports import ChatMessage, ChatModel, Completer, Delta

if TYPE_CHECKING:
    from kibitz.prompts.render import Rendered
    from kibitz.server.config import Config

FILE = "pace.json"
VERSION = 1
MOST_BYTES = 1_000_000
MOST_MODELS = 16
SAVED_EVERY = 16


class CompletionPace:
    """What one model's ghost text has taken to begin, and the budget that follows.

    The first answer of a process is not counted: it may wait for a connection, or for the model to be loaded. One that
    is called off, since somebody typed on, counts if it had taken longer than expected: else only the fast ones would
    ever be seen.
    """

    def __init__(
        self, cache_dir: Path, name: str, *, context_tokens: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._file = cache_dir / FILE
        self._name = name
        self._context_tokens = context_tokens
        self._clock = clock
        self._pace = _load(self._file).get(name, Pace())
        self._target_s = math.inf
        self._current: int | None = None
        self._previous = ""
        self._warm = False
        self._unsaved = 0

    def choose(self, config: "Config") -> Choice:
        """Choose the budget of the next prompt."""
        self._target_s = config.first_token_ms / 1000
        choice = choose(
            most=config.completion_budget_tokens,
            context=self._context_tokens,
            reserve=config.completion_tokens,
            pace=self._pace,
            target_s=self._target_s,
            current=self._current,
        )
        self._current = choice.tokens
        return choice

    def timed(self, model: Completer | ChatModel, rendered: "Rendered") -> "Timed":
        """Give the model for the answer to this prompt, with its time to the first token measured."""
        text = rendered.text or "\0".join(message.content for message in rendered.messages or ())
        kept = _common(self._previous, text) / max(1, len(text))
        self._previous = text
        asked = Observation(max(1, rendered.tokens), round(rendered.tokens * kept), 0.0)
        return Timed(model, lambda seconds, begun: self._tell(asked, seconds, begun), self._clock)

    def usual_s(self) -> float | None:
        """Return the median time to the first token, in seconds, of what is remembered; None: nothing is."""
        seconds = [told.seconds for told in self._pace.observations]
        return statistics.median(seconds) if seconds else None

    async def save(self, *, now: bool = False) -> None:
        """Write down what was learned, once there is enough of it or `now`; a cache that cannot be written is none."""
        if self._unsaved >= (1 if now else SAVED_EVERY):
            self._unsaved = 0
            await asyncio.to_thread(_save, self._file, self._name, self._pace)

    def _tell(self, asked: Observation, seconds: float, begun: bool) -> None:
        if not begun and seconds < self._expected_s(asked):
            return
        if self._warm:
            self._pace = self._pace.observed(Observation(asked.tokens, asked.shared, seconds))
            self._unsaved += 1
        self._warm = True

    def _expected_s(self, asked: Observation) -> float:
        speed = self._pace.speed()
        return speed.seconds(asked.tokens, asked.shared) if speed is not None else self._target_s


class Timed:
    """A model that tells how long its answer took to begin, or how long it was waited for in vain."""

    def __init__(
        self, model: Completer | ChatModel, tell: Callable[[float, bool], None], clock: Callable[[], float]
    ) -> None:
        self._model = model
        self._tell = tell
        self._clock = clock

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    def chat(self, messages: Sequence[ChatMessage], **options: Any) -> AsyncIterator[Delta]:
        """Stream the answer; see `ChatModel.chat`."""
        return self._timed(cast("ChatModel", self._model).chat(messages, **options))

    def complete(self, prompt: str, **options: Any) -> AsyncIterator[Delta]:
        """Stream the continuation; see `Completer.complete`."""
        return self._timed(cast("Completer", self._model).complete(prompt, **options))

    async def _timed(self, stream: AsyncIterator[Delta]) -> AsyncIterator[Delta]:
        asked, begun = self._clock(), False
        async with closing(stream):
            try:
                async for delta in stream:
                    if not begun:
                        begun = True
                        self._tell(self._clock() - asked, True)
                    yield delta
            except asyncio.CancelledError:
                if not begun:
                    self._tell(self._clock() - asked, False)
                raise


def _common(before: str, text: str) -> int:
    """Count the characters that both begin with."""
    low, high = 0, min(len(before), len(text))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text.startswith(before[:middle]) else (low, middle - 1)
    return low


def _load(file: Path) -> dict[str, Pace]:
    """Read what is remembered, in the order of its last use; what is damaged is left out."""
    try:
        with file.open("rb") as stream:
            stored = json.loads(stream.read(MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    models = stored.get("models") if isinstance(stored, dict) and stored.get("version") == VERSION else None
    if not isinstance(models, dict):
        return {}
    return {name: _pace(rows) for name, rows in models.items() if isinstance(rows, list)}


def _pace(rows: list[Any]) -> Pace:
    pace = Pace()
    for row in rows:
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            tokens, shared, seconds = row
            told = Observation(int(tokens), int(shared), float(seconds))
            if 0 <= told.shared <= told.tokens and told.tokens > 0 and 0 <= told.seconds < math.inf:
                pace = pace.observed(told)
    return pace


def _save(file: Path, name: str, pace: Pace) -> None:
    from kibitz.indexer.errors import DiskFullError
    from kibitz.indexer.files import whole

    models = _load(file)
    models.pop(name, None)
    models[name] = pace
    kept = {
        each: [[told.tokens, told.shared, round(told.seconds, 6)] for told in models[each].observations]
        for each in list(models)[-MOST_MODELS:]
    }
    with contextlib.suppress(OSError, DiskFullError), whole(file) as stream:
        stream.write(json.dumps({"version": VERSION, "models": kept}).encode())
