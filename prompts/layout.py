"""A tree laid out flat: every leaf with the interval of cutoffs at which it is shown.

With `hi` the least priority on the way to a leaf, and `lo` the greatest priority of an earlier alternative where a
`first` is on the way, a leaf is shown exactly when lo < cutoff <= hi. So one walk down the levels adds each leaf once
and takes it away at most once, and the tree itself is looked at only here. Iterative: depth costs no stack.
"""

from dataclasses import dataclass, field

from kibitz.prompts.nodes import TOP, First, Isolate, Message, Node, Reserve, Scope, Text

NEVER = float("-inf")


@dataclass(slots=True, eq=False)
class Leaf:
    """A text, an isolate or a reserve. `slot` is the message it stands in, -1 outside any."""

    text: str
    row: int
    slot: int
    hi: float
    lo: float
    isolate: Isolate | None = None
    reserve: int = 0


@dataclass(slots=True, eq=False)
class Row:
    """A scope: its parent's row, its interval, what it is called; `choice` numbers the `first` it stands in."""

    parent: int
    hi: float
    lo: float
    name: str
    origin: str
    choice: int = -1


@dataclass(slots=True, eq=False)
class Layout:
    """Leaves in document order, scopes, the roles of the messages ("" for raw text), priorities falling."""

    chat: bool
    leaves: list[Leaf] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    levels: list[float] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Place:
    """Where a node stands: its scope's row, that scope's own priority, its message."""

    row: int
    priority: float
    slot: int


def lay_out(tree: Node, *, chat: bool) -> Layout:
    """Lay a tree out flat."""
    layout = Layout(chat=chat, rows=[Row(-1, TOP, NEVER, "", "")])
    if not chat:
        layout.roles.append("")
    levels = {TOP}
    choices = 0
    stack = [(tree, _Place(0, TOP, -1 if chat else 0), NEVER, -1)]
    while stack:
        node, place, earlier, choice = stack.pop()
        if isinstance(node, Scope):
            place = _enter(layout, node, place, earlier, choice)
            levels.add(place.priority)
        elif isinstance(node, Message):
            place = _Place(place.row, place.priority, len(layout.roles))
            layout.roles.append(node.role)
        elif isinstance(node, First):
            alternatives = []
            for child in node.children:
                alternatives.append((child, place, earlier, choices))
                earlier = max(earlier, _priority(child, place))
            stack.extend(reversed(alternatives))
            choices += 1
            continue
        elif isinstance(node, Text | Isolate | Reserve):
            _add_leaf(layout, node, place)
            continue
        stack.extend((child, place, NEVER, -1) for child in reversed(node.children))
    layout.levels = sorted(levels, reverse=True)
    return layout


def _priority(node: Node, place: _Place) -> float:
    if not isinstance(node, Scope):
        return place.priority
    if node.p is not None:
        return float(node.p)
    return min(TOP, place.priority + (node.prel or 0.0))


def _enter(layout: Layout, node: Scope, place: _Place, earlier: float, choice: int) -> _Place:
    priority = _priority(node, place)
    around = layout.rows[place.row]
    hi, lo = min(around.hi, priority), max(around.lo, earlier)
    row = Row(place.row, hi, lo, node.name or around.name, node.origin or around.origin, choice)
    layout.rows.append(row)
    return _Place(len(layout.rows) - 1, priority, place.slot)


def _add_leaf(layout: Layout, node: Text | Isolate | Reserve, place: _Place) -> None:
    row = layout.rows[place.row]
    leaf = Leaf("", place.row, place.slot, row.hi, row.lo)
    if isinstance(node, Text):
        leaf.text = node.text
    elif isinstance(node, Reserve):
        leaf.reserve = node.tokens
    else:
        leaf.isolate = node
        if node.content == "messages":  # an isolate of messages takes a slot of its own
            leaf.slot = len(layout.roles)
            layout.roles.append("")
    if leaf.text or leaf.isolate or leaf.reserve:
        layout.leaves.append(leaf)
