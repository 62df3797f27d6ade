"""The context of code prompts, each kind in its own band of priorities, each in versions from full to short.

The bands fall. First a window round the cursor: without it no context would ever be shown in a long document. Then
what tells most for its size: recent changes, the workspace's rules, signatures. Then the heads of what was retrieved,
then all of it, then the rest of the document: without a band below it, a short list of hits would leave room unused.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from kibitz.prompts.nodes import Node, first, scope
from kibitz.prompts.templates.context import Context, ContextItem, Definition, RecentEdit, Rules

NEAR = 3_000.0
EDITS = 2_600.0
RULES = 2_500.0
SIGNATURES = 2_400.0
HEADS = 2_000.0
DEFINITIONS = 1_700.0
WHOLE = 1_500.0
FAR = 1_000.0

_HEAD_LINES = 24  # of what was retrieved, when not all of it fits
_EDIT_LINES = 12  # of a change
_RULE_LINES, _RULE_WIDTH = 12, 160  # of a workspace's rules: code completes without them, too

Show = Callable[[ContextItem], str]
"""How an item is written in a prompt: as a file, as comments, between fences."""


def context_parts(context: Context, show: Show) -> list[Node]:
    """Make the parts of what is known from elsewhere.

    What changes least comes first, so that a server's prefix cache goes on holding; the best hit and the newest change
    stand next to the document.
    """
    return [
        *(_rules(rules, number, show) for number, rules in enumerate(context.rules)),
        *(_definition(each, rank, show) for rank, each in enumerate(context.definitions)),
        *retrieved(context.items, show),
        *(_edit(each, age, show) for age, each in zip(_down(len(context.edits)), context.edits, strict=True)),
    ]


def retrieved(items: Sequence[ContextItem], show: Show) -> list[Node]:
    """Make a part of each item, best first; the best stands last. All heads come before any is shown whole."""
    return [versions(item, show, rank, head_lines=_HEAD_LINES) for rank, item in enumerate(items)][::-1]


def versions(
    item: ContextItem, show: Show, rank: int, *, head_lines: int, p: float = HEADS, whole: float = WHOLE
) -> Node:
    """Show an item whole, or cut to its head; one that has no more than a head comes as early as heads do."""
    head = item.head(head_lines)
    if head is None:
        return part(item, show, p - rank / 10)
    return first(part(item, show, whole - rank / 10), part(head, show, p - rank / 10, name=item.label))


def part(item: ContextItem, show: Show, priority: float, *, name: str = "") -> Node:
    """Show an item as it is."""
    return scope(show(item), p=priority, name=name or item.label, origin=item.origin)


def _definition(each: Definition, rank: int, show: Show) -> Node:
    item, signature = each.item, each.signature
    if not signature or signature.strip() == item.text.strip():
        return versions(item, show, rank, head_lines=_HEAD_LINES, p=SIGNATURES, whole=DEFINITIONS)
    rows = signature.rstrip("\n").count("\n") + 1
    end = min(item.end_line, item.start_line + rows - 1) if item.start_line else 0
    place = f"{item.path}:{item.start_line}-{end}" if item.path and end else item.label
    short = replace(item, label=place, text=signature, origin=place if end else item.origin, end_line=end)
    return first(
        part(item, show, DEFINITIONS - rank / 10),
        part(short, show, SIGNATURES - rank / 10, name=item.label),
    )


def _edit(each: RecentEdit, age: int, show: Show) -> Node:
    return versions(each.item, show, age, head_lines=_EDIT_LINES, p=EDITS, whole=EDITS - 1)


def _rules(rules: Rules, number: int, show: Show) -> Node:
    return part(rules.narrowed(_RULE_LINES, _RULE_WIDTH), show, RULES - number / 10)


def _down(count: int) -> range:
    return range(count - 1, -1, -1)
