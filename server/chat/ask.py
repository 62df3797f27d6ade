"""Questions about the code: the prompt, the streamed answer, what it cites."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kibitz.server.chat.citations import Citation, citations
from kibitz.server.chat.conversation import MOST_SHOWN, Conversation
from kibitz.server.chat.question import Question
from kibitz.server.chat.stream import closing, open_stream
from kibitz.server.llm.ports import ChatModel, Delta
from kibitz.server.rendering import Counting, rendered_off_the_loop
from kibitz.server.retrieval import Retrieve, to_items

if TYPE_CHECKING:
    from kibitz.prompts.nodes import Node
    from kibitz.prompts.render import Rendered
    from kibitz.prompts.templates.context import ContextItem

__all__ = ["Answer", "Citation", "Question", "ask_prompt", "citations", "collect", "stream_answer"]

TOKENS_A_HIT = 250  # a small chunk with its header: more hits than fit are asked for, and the budget decides
MIN_HITS, MAX_HITS = 10, 60


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer and the places it cites, all of which were in the prompt."""

    text: str
    citations: tuple[Citation, ...]
    finish_reason: str


async def ask_prompt(
    question: Question,
    *,
    retrieve: Retrieve,
    counting: Counting,
    budget_tokens: int,
    reserve_tokens: int,
    small: bool = False,
    conversation: Conversation | None = None,
) -> "Rendered":
    """Render the prompt of a question: what the user attached first, then what the index knows, best first.

    `small` asks in the form that a very small model can follow, which leaves out history and rules. In a conversation
    what was shown before keeps its place.

    Raises:
        BudgetError: the question alone does not fit.
    """
    from kibitz.prompts.templates.chat import ask_tree
    from kibitz.prompts.templates.context import in_order_shown
    from kibitz.prompts.templates.small import small_ask_tree

    room = max(0, budget_tokens - reserve_tokens)
    wanted = question.wanted
    hits = await retrieve(wanted, min(MAX_HITS, max(MIN_HITS, room // TOKENS_A_HIT))) if wanted else ()
    attached = question.attached
    labels = {item.label for item in attached}
    found = [item for item in to_items(hits) if item.label not in labels and not _inside_any(item, attached)]

    shown = conversation.shown if conversation is not None else ()

    def tree() -> "Node":
        if small:
            return small_ask_tree(question.text, [*attached, *found], reserve_tokens=reserve_tokens)
        return ask_tree(
            question.text,
            found,
            attached=attached,
            shown=shown,
            history=question.history,
            rules=question.rules,
            reserve_tokens=reserve_tokens,
        )

    memory = conversation.memory if conversation is not None else None
    rendered = await rendered_off_the_loop(tree, budget_tokens=budget_tokens, counting=counting, memory=memory)
    if conversation is not None:
        conversation.shown = in_order_shown(shown, [*attached, *found])[:MOST_SHOWN]
    return rendered


async def stream_answer(
    rendered: "Rendered", model: ChatModel, *, max_tokens: int, small: bool = False
) -> AsyncGenerator[Delta]:
    """Stream the answer as the model gives it. Closing this closes the model's stream.

    Where the prompt ends with the beginning of the answer, that comes first. A `small` model is stopped after a
    paragraph and kept from repeating itself.

    Raises:
        ModelError: the model could not answer.
    """
    from kibitz.prompts.templates.small import ASK_PENALTY, ASK_STOP

    last = rendered.messages[-1] if rendered.messages else None
    begun = last.content if last and last.role == "assistant" else ""
    stop, penalty = (ASK_STOP, ASK_PENALTY) if small else ((), 0.0)
    answer = open_stream(rendered, model, max_tokens=max_tokens, stop=stop, frequency_penalty=penalty)
    async with closing(answer) as stream:
        async for delta in stream:
            if begun:
                yield Delta(begun)
                begun = ""
            yield delta


async def collect(
    deltas: AsyncIterator[Delta], rendered: "Rendered", on_text: Callable[[str], None] | None = None
) -> Answer:
    """Read a streamed answer to its end, and tell `on_text` each piece as it comes; the stream is closed."""
    pieces: list[str] = []
    finish = ""
    async with closing(deltas) as stream:
        async for delta in stream:
            pieces.append(delta.text)
            finish = delta.finish_reason or finish
            if on_text is not None and delta.text:
                on_text(delta.text)
    text = "".join(pieces)
    return Answer(text, citations(text, rendered), finish)


def _inside_any(item: "ContextItem", others: "Sequence[ContextItem]") -> bool:
    """Whether lines are shown already by something attached."""
    return any(
        other.path == item.path and other.start_line <= item.start_line and item.end_line <= other.end_line
        for other in others
        if other.path and other.start_line
    )
