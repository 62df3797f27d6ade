"""p(X, n) = s: the richest prompt of a tree that fits a budget, and an account of what was left out."""

from dataclasses import replace
from functools import partial

from kibitz.prompts.chat_template import GENEROUS, OPENAI, ChatTemplate
from kibitz.prompts.errors import BudgetError, TreeError
from kibitz.prompts.layout import Layout, Leaf, lay_out
from kibitz.prompts.nodes import Node, Text
from kibitz.prompts.rendered import Account, PartReport, Rendered, RenderedMessage
from kibitz.prompts.solve import Job, Mode, Solved, solve
from kibitz.prompts.tokens import Tokenizer

__all__ = ["Mode", "PartReport", "Rendered", "RenderedMessage", "render"]


def render(
    tree: Node,
    *,
    budget_tokens: int,
    tokenizer: Tokenizer,
    template: ChatTemplate | None = None,
    mode: Mode = "fill",
) -> Rendered:
    """Render a tree to at most `budget_tokens` tokens, reserves included.

    Without a template, messages are counted in OpenAI's format if the tokenizer is exact, else in a generous one; raw
    text has nothing round it. The result of strict mode is that of trying every cutoff, with one exception in theory:
    the walk ends when the prompt is over by more than 64 tokens and a sixteenth of the budget (alternatives that could
    still vanish not counted), and texts made up so that adding more shrinks the prompt by that much would be missed.

    Raises:
        TreeError: the tree is no tree of a prompt.
        BudgetError: what must be shown does not fit; the message names the largest fixed parts.
    """
    if not isinstance(tree, Node):
        raise TreeError(f"render takes a tree, not {type(tree).__name__}")
    job = Job(tokenizer, template or (OPENAI if tokenizer.exact else GENEROUS), mode)
    layout = lay_out(tree, chat=tree.content == "messages")
    solved = solve(layout, budget_tokens, job)
    if solved is None:
        raise _too_big(layout, budget_tokens, job)
    return Rendered(
        messages=tuple(solved.messages) if layout.chat else None,
        text=None if layout.chat else solved.messages[0].content,
        tokens=solved.tokens,
        reserved=solved.tally.reserved,
        budget=budget_tokens,
        cutoff=solved.cutoff,
        tokenizer=tokenizer.name,
        exact=tokenizer.exact,
        steps=tuple(solved.steps),
        account=Account(partial(_parts, solved)),
    )


def _parts(solved: Solved) -> tuple[PartReport, ...]:
    """Report every text in tree order; neighbours out of one scope are one part."""
    layout, tally = solved.layout, solved.tally
    parts: list[PartReport] = []
    ends: dict[int, int] = {}  # slot -> characters so far
    previous: tuple[int, int, bool] | None = None
    for number, leaf in enumerate(layout.leaves):
        shown = number in tally.selected
        if leaf.isolate:
            previous = None
            parts.extend(_isolated_parts(solved, number, leaf, ends))
        elif leaf.text:
            start = ends.get(leaf.slot, 0)
            if shown:
                ends[leaf.slot] = start + len(leaf.text)
            if previous == (leaf.row, leaf.slot, shown):
                start, text = parts[-1].start, parts.pop().text + leaf.text
            else:
                text = leaf.text
            parts.append(_part(solved, leaf, text, shown=shown, start=start))
            previous = (leaf.row, leaf.slot, shown)
    return tuple(parts)


def _part(solved: Solved, leaf: Leaf, text: str, *, shown: bool, start: int) -> PartReport:
    layout = solved.layout
    row = layout.rows[leaf.row]
    role = layout.roles[leaf.slot] if leaf.slot >= 0 else ""
    return PartReport(
        name=row.name or (f"{role} message" if role else "text"),
        origin=row.origin,
        priority=leaf.hi,
        shown=shown,
        text=text,
        message=solved.place[leaf.slot] if shown and layout.chat else None,
        start=start if shown else 0,
        end=start + len(text) if shown else 0,
        replaced=not shown and leaf.hi >= solved.cutoff,
        _count=solved.job.tokenizer.count,
    )


def _isolated_parts(solved: Solved, number: int, leaf: Leaf, ends: dict[int, int]) -> list[PartReport]:
    """Report an isolate: its own parts, moved to where it stands, or all of it as left out."""
    if number not in solved.tally.selected:
        return [_part(solved, leaf, _all_text(leaf), shown=False, start=0)]
    inner = solved.inner[leaf.isolate] if leaf.isolate else None
    if inner is None:
        return []
    row = solved.layout.rows[leaf.row]
    by, first = ends.get(leaf.slot, 0), solved.place.get(leaf.slot, 0)
    ends[leaf.slot] = by + len(solved.tally.text(number))
    moved = []
    for inside in _parts(inner):
        part = inside
        if part.shown and inner.layout.chat:
            part = replace(part, message=first + (part.message or 0))
        elif part.shown:
            message = first if solved.layout.chat else None
            part = replace(part, message=message, start=by + part.start, end=by + part.end)
        name = row.name if part.name == "text" and row.name else part.name
        priority = min(part.priority, leaf.hi)
        moved.append(replace(part, name=name, origin=part.origin or row.origin, priority=priority))
    return moved


def _all_text(leaf: Leaf) -> str:
    """Return everything an isolate holds."""
    if leaf.isolate is None:
        return leaf.text
    texts: list[str] = []
    stack: list[Node] = [leaf.isolate]
    while stack:
        node = stack.pop()
        if isinstance(node, Text):
            texts.append(node.text)
        stack.extend(reversed(node.children))
    return "".join(texts)


def _too_big(layout: Layout, budget: int, job: Job) -> BudgetError:
    """Say what takes the room: the largest of the parts that are always shown."""
    sizes: dict[str, int] = {}
    for leaf in layout.leaves:
        if leaf.hi < layout.levels[0]:
            continue
        role = layout.roles[leaf.slot] if leaf.slot >= 0 else ""
        name = layout.rows[leaf.row].name or (f"{role} message" if role else "text")
        if leaf.isolate:
            limit = leaf.isolate.limit
            sizes[f"isolate {name!r} (limit {limit})"] = job.tokenizer.count(_all_text(leaf))
        if leaf.reserve:
            sizes["the reserve for the answer"] = sizes.get("the reserve for the answer", 0) + leaf.reserve
        if leaf.text:
            sizes[name] = sizes.get(name, 0) + job.tokenizer.count(leaf.text)
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:3]
    named = ", ".join(f"{name}: {tokens:,}" for name, tokens in largest)
    return BudgetError(
        f"The prompt does not fit {budget:,} tokens even without anything optional. Largest fixed parts: {named}."
    )
