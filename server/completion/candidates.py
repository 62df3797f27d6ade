"""From a cursor to what a model suggests there: the prompt healed, and several answers where they are asked for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from kibitz.server.completion.filters import look_around
from kibitz.server.completion.healing import Healed, cut_back
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.completion.suggest import Suggestion, suggest
from kibitz.server.llm.ports import ChatMessage, ChatModel, Completer, Delta

if TYPE_CHECKING:
    from kibitz.prompts.render import Rendered
    from kibitz.prompts.templates.families import FimFamily

LOOK_AFTER_S = 0.03
WARMTH = 0.7  # of the answers after the first, which is the likeliest


async def suggest_at(
    at: Snapshot,
    prompt: Callable[[Snapshot], "Awaitable[Rendered]"],
    model: Callable[["Rendered"], Completer | ChatModel],
    *,
    family: "FimFamily | None",
    max_tokens: int,
) -> Suggestion | None:
    """Suggest from a prompt that ends before the word at the cursor; from the plain one where the model says another.

    Raises:
        ModelError: the model could not answer.
        BudgetError: not even the cursor's line fits.
    """
    cut = cut_back(at) if family is not None else None
    if cut is not None:
        rendered = await prompt(cut.at)
        healed = Healed(cast(Completer, model(rendered)), cut.word)
        async with _looking(at):
            shown = await suggest(at, rendered, cast(Completer, healed), family=family, max_tokens=max_tokens)
        if not healed.disagreed:
            return shown
    rendered = await prompt(at)
    async with _looking(at):
        return await suggest(at, rendered, model(rendered), family=family, max_tokens=max_tokens)


@asynccontextmanager
async def _looking(at: Snapshot) -> AsyncIterator[None]:
    """Look at the document while the model thinks, once the question is out; one that answers at once is not kept."""

    async def look() -> None:
        await asyncio.sleep(LOOK_AFTER_S)
        await asyncio.to_thread(look_around, at.with_line_feeds())

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()


async def several(count: int, one: Callable[[float], "Awaitable[Suggestion | None]"]) -> Sequence[Suggestion]:
    """Ask for so many suggestions at one time, and return those that differ, the likeliest first.

    Args:
        count: how many to ask for.
        one: asks for a suggestion at a temperature.
    """
    found = await asyncio.gather(*(one(WARMTH if number else 0.0) for number in range(count)))
    return tuple(dict.fromkeys(suggestion for suggestion in found if suggestion is not None))


class Warmer:
    """A model that answers at another temperature."""

    def __init__(self, model: Completer | ChatModel, temperature: float) -> None:
        self._model = model
        self._temperature = temperature

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    def chat(self, messages: Sequence[ChatMessage], **options: Any) -> AsyncIterator[Delta]:
        """Stream the answer; see `ChatModel.chat`."""
        return cast("ChatModel", self._model).chat(messages, **{**options, "temperature": self._temperature})

    def complete(self, prompt: str, **options: Any) -> AsyncIterator[Delta]:
        """Stream the continuation; see `Completer.complete`."""
        return cast("Completer", self._model).complete(prompt, **{**options, "temperature": self._temperature})
