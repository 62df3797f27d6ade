"""Rendering prompts off the event loop."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kibitz.prompts.nodes import Node
    from kibitz.prompts.render import Rendered
    from kibitz.prompts.tokens import Tokenizer


async def rendered_off_the_loop(
    tree: "Callable[[], Node]", *, budget_tokens: int, tokenizer: "Tokenizer"
) -> "Rendered":
    """Make a prompt's tree and render it in a thread.

    A document of some thousand lines takes a tenth of a second: too long to let the next key wait.

    Raises:
        BudgetError: what must be shown does not fit.
    """

    def rendered() -> "Rendered":
        from kibitz.prompts.render import render

        return render(tree(), budget_tokens=budget_tokens, tokenizer=tokenizer)

    return await asyncio.to_thread(rendered)
