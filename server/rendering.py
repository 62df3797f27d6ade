"""Rendering prompts off the event loop."""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kibitz.prompts.chat_template import ChatTemplate
    from kibitz.prompts.nodes import Node
    from kibitz.prompts.render import Rendered
    from kibitz.prompts.session import Renderer
    from kibitz.prompts.tokens import Tokenizer

MOST_MEMORIES = 8  # documents that somebody types in by turns


class Memory:
    """The renderer of one document or conversation. It renders one prompt at a time, whatever thread asks.

    `steady` keeps what the prompt before showed while it fits (see `Renderer`).
    """

    def __init__(self, *, steady: bool = False) -> None:
        self._steady = steady
        self._lock = threading.Lock()
        self._renderer: Renderer | None = None
        self._counted_by: tuple[Tokenizer, ChatTemplate | None] | None = None

    def render(
        self, tree: "Node", *, budget_tokens: int, tokenizer: "Tokenizer", template: "ChatTemplate | None" = None
    ) -> "Rendered":
        """Render the next tree, as `render` does; counted in another way than before, from nothing.

        Raises:
            BudgetError: what must be shown does not fit.
        """
        from kibitz.prompts.session import Renderer

        with self._lock:
            if self._renderer is None or self._counted_by != (tokenizer, template):
                self._renderer = Renderer(tokenizer, template=template, steady=self._steady)
                self._counted_by = tokenizer, template
            return self._renderer.render(tree, budget_tokens=budget_tokens)


class Memories:
    """The memories of the documents that were rendered last, by name. For one thread, the event loop's."""

    def __init__(self, most: int = MOST_MEMORIES) -> None:
        self._most = most
        self._by_name: OrderedDict[str, Memory] = OrderedDict()

    def of(self, name: str) -> Memory:
        """Return a document's memory; of too many, the one that was not asked for longest is forgotten."""
        memory = self._by_name.pop(name, None) or Memory()
        self._by_name[name] = memory
        if len(self._by_name) > self._most:
            self._by_name.popitem(last=False)
        return memory


async def rendered_off_the_loop(
    tree: "Callable[[], Node]", *, budget_tokens: int, tokenizer: "Tokenizer", memory: Memory | None = None
) -> "Rendered":
    """Make a prompt's tree and render it in a thread; with a memory, at the price of what has changed.

    A first prompt of a document of some thousand lines takes a while: too long to let the next key wait.

    Raises:
        BudgetError: what must be shown does not fit.
    """

    def rendered() -> "Rendered":
        from kibitz.prompts.render import render

        if memory is not None:
            return memory.render(tree(), budget_tokens=budget_tokens, tokenizer=tokenizer)
        return render(tree(), budget_tokens=budget_tokens, tokenizer=tokenizer)

    return await asyncio.to_thread(rendered)
