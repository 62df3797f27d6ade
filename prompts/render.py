"""p(X, n) = s: the richest prompt of a tree that fits a budget, and an account of what was left out."""

from kibitz.prompts.account import all_text, parts_of, shown_of
from kibitz.prompts.begin import begin, job_of
from kibitz.prompts.chat_template import ChatTemplate
from kibitz.prompts.compose import compose
from kibitz.prompts.curve import curve_of
from kibitz.prompts.errors import BudgetError
from kibitz.prompts.layout import Layout
from kibitz.prompts.offsets import TokenMap
from kibitz.prompts.rendered import Account, Inputs, PartReport, Rendered, RenderedMessage, shared_prefix
from kibitz.prompts.solve import Job, Mode, Search
from kibitz.prompts.tokens import Tokenizer
from kibitz.prompts.tree import TOP, Isolate, Node, Reserve

__all__ = ["Mode", "PartReport", "Rendered", "RenderedMessage", "render"]


def render(
    tree: Node,
    *,
    budget_tokens: int,
    tokenizer: Tokenizer,
    template: ChatTemplate | None = None,
    mode: Mode = "pack",
) -> Rendered:
    """Render a tree to at most `budget_tokens` tokens, reserves included. See `Renderer` for one that remembers.

    Without a template, messages are counted in OpenAI's format if the tokenizer is exact, else in a generous one; raw
    text has nothing round it. The result of strict mode is that of trying every cutoff, with one exception in theory:
    the walk ends when the prompt is over by more than 64 tokens and a sixteenth of the budget (alternatives that could
    still vanish not counted), and texts made up so that adding more shrinks the prompt by that much would be missed.

    Raises:
        TreeError: the tree is no tree of a prompt.
        BudgetError: what must be shown does not fit; the message names the largest fixed parts.
    """
    job = job_of(tokenizer, template, mode)
    search = begin(tree, budget_tokens, job)
    if not search.settle(budget_tokens):
        raise too_big(search.layout, budget_tokens, job)
    return finish(search, tree, budget_tokens)


def finish(search: Search, tree: Node, budget: int, before: Rendered | None = None) -> Rendered:
    """Put together what a settled search shows, with its exact size."""
    composed = compose(search)
    job, chat = search.job, search.layout.chat
    shown = shown_of(search, (tree,), composed)
    rendered = Rendered(
        messages=composed.messages if chat else None,
        text=None if chat else composed.text,
        tokens=search.count(),
        reserved=search.tally.reserved,
        budget=budget,
        cutoff=search.level,
        tokenizer=job.tokenizer.name,
        exact=job.tokenizer.exact,
        tools=composed.tools,
        breaks=composed.breaks,
        account=Account(
            lambda: parts_of(shown, TokenMap(rendered, job.tokenizer)),
            lambda: curve_of(begin(tree, budget, job)),
            lambda: shared_prefix(before, rendered, job.tokenizer.encode) if before is not None else 0,
            Inputs(tree, job.mode, job.template),
        ),
    )
    return rendered


def too_big(layout: Layout, budget: int, job: Job) -> BudgetError:
    """Say what takes the room: the largest of the parts that are always shown."""
    taken: dict[str, int] = {}
    for leaf in layout.leaves:
        if leaf.hi < TOP or leaf.lo >= leaf.hi:
            continue
        message = leaf.slot.message if leaf.slot is not None else None
        name = leaf.name or (f"{message.role} message" if message is not None else "text")
        if isinstance(leaf.node, Isolate):
            limit = leaf.node.limit
            taken[f"isolate {name!r} (limit {limit.tokens or 'relative'})"] = job.tokenizer.count(all_text(leaf.node))
        elif isinstance(leaf.node, Reserve):
            reserve = "the reserve for the answer"
            taken[reserve] = taken.get(reserve, 0) + leaf.node.tokens
        elif leaf.text:
            taken[name] = taken.get(name, 0) + job.tokenizer.count(leaf.text)
    largest = sorted(taken.items(), key=lambda item: -item[1])[:3]
    named = ", ".join(f"{name}: {tokens:,}" for name, tokens in largest)
    return BudgetError(
        f"The prompt does not fit {budget:,} tokens even without anything optional. Largest fixed parts: {named}."
    )
