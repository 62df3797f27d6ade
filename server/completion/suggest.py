"""Ghost text: the prompt at a cursor, and what a model's continuation leaves to show."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kibitz.indexer.types import Hit, Span
from kibitz.prompts.templates.families import FimFamily
from kibitz.server.chat.stream import closing, open_stream
from kibitz.server.completion.filters import clean, keep_one_line
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.completion.stop import complete_part
from kibitz.server.llm.ports import ChatModel, Completer
from kibitz.server.rendering import Counting, Memory, rendered_off_the_loop
from kibitz.server.retrieval import Retrieve, outside, to_items

if TYPE_CHECKING:
    from kibitz.prompts.nodes import Node
    from kibitz.prompts.render import Rendered
    from kibitz.prompts.templates.context import Context

Gather = Callable[[Snapshot, Sequence[Hit], int], Awaitable["Context"]]
"""A cursor, hits, and the tokens that there are: the context that the prompt is given."""

HITS = 12  # asked for; the file's own come off
SNIPPETS = 4  # shown where hits alone are: each takes room from the lines around the cursor
QUERY_LINES_BEFORE, QUERY_LINES_AFTER = 8, 3
QUERY_LINE_CHARS = 200
QUERY_REACH = 64  # lines on a side that these are looked for in
CHARS_A_TOKEN = 3  # of code, an underestimate: how far from the cursor the prompt reaches at least
LINE_END = ("\n",)

PLAIN = FimFamily("plain", prefix="```\n", suffix="", middle="", stop=("<|endoftext|>", "</s>", "```", "\n\n"))
"""For a completer that cannot fill in the middle: it continues what stands before the cursor, as in a code block."""

_NAME = re.compile(r"[A-Za-z_]\w{2,}")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to insert at the cursor."""

    text: str


async def completion_prompt(
    at: Snapshot,
    *,
    retrieve: Retrieve,
    family: FimFamily | None,
    counting: Counting,
    budget_tokens: int,
    reserve_tokens: int,
    gather: Gather | None = None,
    repo: str = "",
    memory: Memory | None = None,
) -> "Rendered":
    """Render the prompt of a completion; with the document's `memory`, at the price of what has changed.

    `gather` makes context of the cursor, the hits and the tokens that there are; without it the hits are the context.
    Fill-in-the-middle for a family, the text before the cursor for `PLAIN`, messages for a chat model with None.

    Raises:
        BudgetError: not even the cursor's line fits.
    """
    from kibitz.prompts.templates.complete import chat_completion_tree, fim_tree
    from kibitz.prompts.templates.context import NOTHING

    at = at.with_line_feeds()
    context = NOTHING
    if family is not PLAIN:
        wanted = query(at)
        hits = await retrieve(wanted, HITS) if wanted else ()
        room = budget_tokens - reserve_tokens
        context = of_hits(at, hits, room) if gather is None else await gather(at, hits, room)

    def tree() -> "Node":
        if family is PLAIN:
            return _plain_tree(at, reserve_tokens)
        if family is not None:
            return fim_tree(
                family,
                prefix=at.prefix,
                suffix=at.suffix,
                path=at.path,
                repo=repo,
                context=context,
                reserve_tokens=reserve_tokens,
            )
        return chat_completion_tree(
            prefix=at.prefix,
            suffix=at.suffix,
            path=at.path,
            language=at.language,
            context=context,
            reserve_tokens=reserve_tokens,
        )

    return await rendered_off_the_loop(
        tree,
        budget_tokens=budget_tokens,
        counting=counting,
        memory=memory,
        made_of=(at, family, repo, reserve_tokens, context),
    )


def _plain_tree(at: Snapshot, reserve_tokens: int) -> "Node":
    """Show the prefix alone: models that only continue are led astray by headers and by other files.

    One blank before the cursor is left out, since tokenizers join it with the word that follows; `suggest` takes one
    off the answer.
    """
    from kibitz.prompts.templates.complete import fim_tree

    return fim_tree(
        replace(PLAIN, prefix=f"```{at.language}\n"),
        prefix=at.prefix.removesuffix(" "),
        suffix="",
        path=at.path,
        repo="",
        reserve_tokens=reserve_tokens,
    )


async def suggest(
    at: Snapshot,
    rendered: "Rendered",
    model: Completer | ChatModel,
    *,
    family: FimFamily | None,
    max_tokens: int,
) -> Suggestion | None:
    """Stream a continuation, stop it as soon as the suggestion is complete, and clean it; None: nothing to show.

    Raises:
        ModelError: the model could not answer.
    """
    at = at.with_line_feeds()
    stop = family.stop if family is not None else ()
    if rendered.messages is None and keep_one_line("\n", at) == "":
        stop = (*stop, *LINE_END)
    text, finish = "", None
    async with closing(open_stream(rendered, model, max_tokens=max_tokens, stop=stop)) as stream:
        async for delta in stream:
            text += delta.text
            finish = delta.finish_reason or finish
            if delta.text and (part := complete_part(text, at)) is not None:
                text = part
                break
    if family is PLAIN and at.prefix.endswith(" "):
        text = text.removeprefix(" ")
    if finish == "length" and "\n" in text.strip():
        text = text[: text.rfind("\n")]  # its last line was cut somewhere
    for token in stop:
        text = text.split(token, 1)[0]
    shown = clean(text, at)
    return Suggestion(shown) if shown.strip() else None


def query(at: Snapshot) -> str:
    """Return what to search for: the names on the cursor's line first, then the lines around it."""
    before, after = at.prefix.rsplit("\n", QUERY_REACH)[-QUERY_REACH:], at.suffix.split("\n", QUERY_REACH)[:QUERY_REACH]
    line = (before[-1] + after[0]).strip()
    near = [each.strip() for each in before[:-1] if each.strip()][-QUERY_LINES_BEFORE:]
    below = [each.strip() for each in after[1:] if each.strip()][:QUERY_LINES_AFTER]
    names = " ".join(dict.fromkeys(_NAME.findall(line)))
    return "\n".join(each[:QUERY_LINE_CHARS] for each in (names, line, *reversed(near), *below) if each)


def of_hits(at: Snapshot, hits: Sequence[Hit], budget_tokens: int) -> "Context":
    """Return the best hits as context, but for what the prompt shows anyway."""
    from kibitz.prompts.templates.context import Context

    return Context(items=to_items(outside(hits, at.path, _in_reach(at, budget_tokens)))[:SNIPPETS])


def _in_reach(at: Snapshot, budget_tokens: int) -> Span:
    """Return the lines around the cursor that the prompt surely shows; the same file further away may be news."""
    reach = budget_tokens * CHARS_A_TOKEN // 2
    line = at.prefix.count("\n")
    first = line - at.prefix[-reach:].count("\n") if reach else line
    return Span(first, line + at.suffix[:reach].count("\n") + 1)
