"""Rendering prompts off the event loop, each as large as its budget lets it be by the count that is known best."""

import asyncio
import contextlib
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from kibitz.server.errors import ModelError

if TYPE_CHECKING:
    from kibitz.prompts.chat_template import ChatTemplate
    from kibitz.prompts.nodes import Node
    from kibitz.prompts.render import Rendered
    from kibitz.prompts.session import Renderer
    from kibitz.prompts.tokens import Tokenizer

MEASURES = 4  # of one prompt at most
CLOSE = 0.01  # of the budget: what is gained by another try is not worth its time


class Measure(Protocol):
    """Somebody who counts whole prompts as the model does.

    `share` remembers for the next prompt which share of its budget the tokenizer should be given.
    """

    name: str
    share: float

    def prompt_tokens(self, rendered: "Rendered") -> int:
        """Count a rendered prompt as it is sent.

        Raises:
            ModelError: there is no count.
        """
        ...


@dataclass(frozen=True, slots=True)
class Counting:
    """How prompts for a model are counted.

    With `measure` the tokenizer may err to both sides, for each prompt is measured before it is sent; `otherwise`
    counts when that fails. Without a template `render` chooses one.
    """

    tokenizer: "Tokenizer"
    template: "ChatTemplate | None" = None
    measure: Measure | None = None
    otherwise: "Counting | None" = None


MOST_MEMORIES = 8  # documents that somebody types in by turns


class Memory:
    """The renderer of one document or conversation. It renders one prompt at a time, whatever thread asks.

    `steady` keeps what the prompt before showed while it fits (see `Renderer`). `last` is the last prompt, and what it
    was made of; `turn` is for who looks whether that is what he wants.
    """

    def __init__(self, *, steady: bool = False) -> None:
        self._steady = steady
        self._lock = threading.Lock()
        self._renderer: Renderer | None = None
        self._counted_by: tuple[Tokenizer, ChatTemplate | None] | None = None
        self.last: tuple[object, Rendered] | None = None
        self.turn = asyncio.Lock()

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
    tree: "Callable[[], Node]",
    *,
    budget_tokens: int,
    counting: Counting,
    memory: Memory | None = None,
    made_of: Hashable = None,
) -> "Rendered":
    """Make a prompt's tree and render it in a thread; with a memory, at the price of what has changed.

    A first prompt of a document of some thousand lines takes a while: too long to let the next key wait.

    Args:
        tree: makes the tree.
        budget_tokens: how large the prompt may be.
        counting: who counts.
        memory: that of the document or conversation.
        made_of: all that the tree depends on; where it is what the memory's last prompt was made of, that one is
            returned.

    Raises:
        BudgetError: what must be shown does not fit.
    """
    made = (made_of, budget_tokens, counting)
    async with memory.turn if memory is not None else contextlib.nullcontext():
        if memory is not None and memory.last is not None and made_of is not None and memory.last[0] == made:
            return memory.last[1]
        rendered = await asyncio.to_thread(lambda: rendered_within(tree(), budget_tokens, counting, memory))
        if memory is not None:
            memory.last = made, rendered
        return rendered


def rendered_within(tree: "Node", budget_tokens: int, counting: Counting, memory: Memory | None = None) -> "Rendered":
    """Render a tree to a budget, measured if there is who measures; the tokenizer's name tells when that failed."""
    from kibitz.prompts.render import render

    to_budget = partial(_render, memory.render if memory is not None else render, tree, counting)
    if counting.measure is None:
        return to_budget(budget_tokens)
    try:
        return fitted(to_budget, budget_tokens, counting.measure)
    except ModelError as error:
        if counting.otherwise is None:
            raise
        rendered = rendered_within(tree, budget_tokens, counting.otherwise, memory)
        return replace(rendered, tokenizer=f"{rendered.tokenizer}; {error}")


def _render(render: "Callable[..., Rendered]", tree: "Node", counting: Counting, budget_tokens: int) -> "Rendered":
    return render(tree, budget_tokens=budget_tokens, tokenizer=counting.tokenizer, template=counting.template)


def fitted(to_budget: "Callable[[int], Rendered]", budget_tokens: int, measure: Measure) -> "Rendered":
    """Find the budget by the tokenizer at which the prompt fits the true one best, and return that prompt.

    Each measure corrects the next try by what the tokenizer was wrong by, as a share: it is wrong by nearly the same
    share each time, since most of the prompt stays, and for the next key the first try is right. What is returned was
    measured and is within the budget.

    Raises:
        BudgetError: what must be shown does not fit.
        ModelError: there is no measure.
    """
    from kibitz.prompts.errors import BudgetError

    best: Rendered | None = None
    before = None
    fits, over, allowed = 0, math.inf, max(1, round(measure.share * budget_tokens))
    for _ in range(MEASURES):
        try:
            rendered = to_budget(allowed)
        except BudgetError:
            if best is not None or over < math.inf:
                break
            if allowed >= budget_tokens:
                raise
            allowed = budget_tokens
            continue
        if (rendered.messages, rendered.text) == before:  # more room lets nothing more in
            break
        before = (rendered.messages, rendered.text)
        tokens = measure.prompt_tokens(rendered)
        room = budget_tokens - rendered.reserved
        if tokens > room:
            over = min(over, allowed)
        else:
            fits = max(fits, allowed)
            if best is None or tokens > best.tokens:
                best = replace(rendered, tokens=tokens, budget=budget_tokens, tokenizer=measure.name, exact=True)
        allowed = rendered.reserved + rendered.tokens * room // max(1, tokens)
        if not fits < allowed < over or (best and allowed - fits < CLOSE * budget_tokens):
            break
    if best is None:
        raise BudgetError(f"The prompt does not fit {budget_tokens:,} tokens as {measure.name} counts them.")
    measure.share = fits / budget_tokens
    return best
