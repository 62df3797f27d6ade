"""A tree laid out flat: every leaf with the interval of cutoffs at which it is shown.

With `hi` the least priority on the way to a leaf, and `lo` the greatest priority of an earlier alternative where a
`first` is on the way, a leaf is shown exactly when lo < cutoff <= hi. So one walk down the levels adds each leaf once
and takes it away at most once. Iterative: depth costs no stack. The tree's inner nodes stay as *places*, so that the
layout can follow a changed tree (follow.py) instead of being made anew.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kibitz.prompts.errors import TreeError
from kibitz.prompts.tree import (
    TOP,
    CachePoint,
    Capped,
    First,
    Image,
    Isolate,
    Lines,
    Message,
    Node,
    Reserve,
    Scope,
    Text,
    TokenBreak,
    Tools,
)

NEVER = float("-inf")
TEXT, OTHER = -1, -2
"""What a leaf has in place of a line number: it is a text, or a node that is none."""
MARKER = 1 << 40
"""The line number of a leaf that stands for lines that are left out."""


class Slot:
    """A message, or the raw text: what its shown leaves are joined in. `message` is None for raw text."""

    __slots__ = ("around", "cut", "message", "opening", "order", "tokens", "touched", "weight")

    def __init__(self, message: Message | None, opening: "Leaf | None") -> None:
        self.message = message
        self.opening = opening
        # What the tally keeps of it.
        self.order: list[Leaf] = []
        self.weight = 0
        self.tokens = 0
        self.around = 0
        self.touched: set[Leaf] = set()
        self.cut = False  # whether a long run was counted in pieces, so that the tally may be too high


class Leaf:
    """What is shown or not: a text, or a node that is none (an isolate, a reserve, an image, the start of a message).

    `line` is the number of a leaf out of `Lines`, else TEXT or OTHER; `number` its place in the document. A scope that
    holds one text is a leaf with the scope as its `node` and no place of its own: most scopes do.
    """

    __slots__ = ("hi", "line", "lo", "node", "number", "place", "run", "shown", "slot", "text", "weight")

    def __init__(  # noqa: PLR0917 - by position: there are tens of thousands of them
        self, text: str, node: Node, place: "Place", slot: Slot | None, hi: float, lo: float, line: int
    ) -> None:
        self.text = text
        self.node = node
        self.place = place
        self.slot = slot
        self.hi = hi
        self.lo = lo
        self.line = line
        self.number = 0
        self.shown = False
        self.weight = -1
        self.run: object | None = None

    @property
    def name(self) -> str:
        """What the text is called: as its scope is, else as the nearest one around it that has a name."""
        return (self.node.name if isinstance(self.node, Scope) else "") or self.place.name

    @property
    def origin(self) -> str:
        """Where the text comes from, as the nearest scope says."""
        return (self.node.origin if isinstance(self.node, Scope) else "") or self.place.origin


class Place:
    """A node that holds others, where it stands: its priority, its interval, what is inside (places and leaves)."""

    __slots__ = ("choice", "earlier", "hi", "inside", "lo", "name", "node", "parent", "priority", "slot")

    def __init__(self, node: Node, parent: "Place | None") -> None:
        self.node = node
        self.parent = parent
        self.inside: list[Place | Leaf] = []
        self.earlier = NEVER
        self.choice: Place | None = None
        if parent is None:
            self.priority, self.hi, self.lo, self.slot, self.name = TOP, TOP, NEVER, None, ""
        else:
            self.priority, self.hi, self.lo = parent.priority, parent.hi, parent.lo
            self.slot, self.name = parent.slot, parent.name

    slot: Slot | None

    @property
    def origin(self) -> str:
        """Where the text comes from, as the nearest scope says."""
        place: Place | None = self
        while place is not None:
            if isinstance(place.node, Scope) and place.node.origin:
                return place.node.origin
            place = place.parent
        return ""


@dataclass(slots=True, eq=False)
class Layout:
    """Leaves in document order, and what comes and goes at each level.

    `levels` are negative priorities, so that they rise.
    """

    chat: bool
    root: Place
    leaves: list[Leaf] = field(default_factory=list)
    comes: dict[float, list[Leaf]] = field(default_factory=lambda: defaultdict(list))
    goes: dict[float, list[Leaf]] = field(default_factory=lambda: defaultdict(list))
    levels: list[float] = field(default_factory=list)
    raw: Slot | None = None
    relative: bool = False

    def slots(self) -> list[Slot]:
        """Return the messages in order, or the slot of raw text."""
        if self.raw is not None:
            return [self.raw]
        return [leaf.slot for leaf in self.leaves if leaf.line == OTHER and leaf.slot and leaf.slot.opening is leaf]

    def level_all(self) -> None:
        """Enter all leaves into the levels anew."""
        comes: dict[float, list[Leaf]] = defaultdict(list)
        goes: dict[float, list[Leaf]] = defaultdict(list)
        for leaf in self.leaves:
            if leaf.lo < leaf.hi:
                comes[leaf.hi].append(leaf)
                if leaf.lo > NEVER:
                    goes[leaf.lo].append(leaf)
        self.comes, self.goes = comes, goes
        self.levels = sorted({-TOP, *(-level for level in comes), *(-level for level in goes)})

    def level_in(self, leaf: Leaf) -> None:
        """Enter a leaf into the levels."""
        if leaf.lo >= leaf.hi:
            return
        self._level(self.comes, leaf.hi).append(leaf)
        if leaf.lo > NEVER:
            self._level(self.goes, leaf.lo).append(leaf)

    def level_out(self, leaf: Leaf) -> None:
        """Take a leaf out of the levels."""
        if leaf.lo >= leaf.hi:
            return
        self._unlevel(self.comes, leaf.hi, leaf)
        if leaf.lo > NEVER:
            self._unlevel(self.goes, leaf.lo, leaf)

    def _level(self, table: dict[float, list[Leaf]], level: float) -> list[Leaf]:
        if level != TOP and level not in self.comes and level not in self.goes:
            insort(self.levels, -level)
        return table[level]

    def _unlevel(self, table: dict[float, list[Leaf]], level: float, leaf: Leaf) -> None:
        table[level].remove(leaf)
        if not table[level]:
            del table[level]
            if level not in self.comes and level not in self.goes and level != TOP:
                del self.levels[bisect_left(self.levels, -level)]


class Bare(Node):
    """Nodes without what stood round them."""

    __slots__ = ()


def bare(*children: Node) -> Bare:
    """Put nodes together that are known to go together."""
    made = object.__new__(Bare)
    object.__setattr__(made, "children", children)
    object.__setattr__(made, "content", next((each.content for each in children if each.content), ""))
    object.__setattr__(made, "isolates", max((each.isolates for each in children), default=0))
    return made


def lay_out(*trees: Node, chat: bool) -> Layout:
    """Lay trees out flat, one after the other."""
    return lay_out_under(Place(bare(*trees), None), chat=chat)


def lay_out_under(root: Place, *, chat: bool) -> Layout:
    """Lay out what stands at a place, with the priority and the interval that it has there."""
    layout = Layout(chat, root)
    if not chat:
        layout.raw = root.slot = Slot(None, None)
    fill_in(layout, root, layout.leaves)
    for number, leaf in enumerate(layout.leaves):
        leaf.number = number
    layout.level_all()
    return layout


def settle_place(place: Place, node: Node) -> None:
    """Set a place's own priority and interval from the scope that stands there and the place around it."""
    if not isinstance(node, Scope):
        return
    parent = place.parent
    around, hi, lo = (TOP, TOP, NEVER) if parent is None else (parent.priority, parent.hi, parent.lo)
    if node.p is not None:
        around = float(node.p)
    elif node.prel is not None:
        around = min(TOP, around + node.prel)
    place.priority = around
    place.hi = hi if hi < around else around
    place.lo = lo if lo > place.earlier else place.earlier
    if node.name:
        place.name = node.name


def fill_in(layout: Layout, top: Place, leaves: list[Leaf]) -> None:
    """Lay out the children of a settled place; their leaves are added in document order."""
    here, todo = [top], [iter(top.node.children)]
    while todo:
        parent = here[-1]
        for child in todo[-1]:
            leaf = text_leaf(child, parent)
            if leaf is not None:
                parent.inside.append(leaf)
                leaves.append(leaf)
                continue
            place = enter(layout, child, parent, leaves)
            if place is not None and child.children:
                here.append(place)
                todo.append(iter(child.children))
                break
        else:
            here.pop()
            todo.pop()


def text_leaf(node: Node, parent: Place) -> Leaf | None:
    """Make the leaf of a text, or of a scope that holds one text and is no alternative; None for other nodes."""
    kind = type(node)
    if kind is Text:
        return Leaf(node.text, node, parent, parent.slot, parent.hi, parent.lo, TEXT)  # type: ignore[attr-defined]
    if kind is not Scope or len(node.children) != 1 or type(parent.node) is First:
        return None
    only = node.children[0]
    if type(only) is not Text:
        return None
    level = node.p  # type: ignore[attr-defined]
    hi = parent.hi
    if level is None:
        prel = node.prel  # type: ignore[attr-defined]
        level = parent.priority + prel if prel else parent.priority
    return Leaf(only.text, node, parent, parent.slot, level if level < hi else hi, parent.lo, TEXT)


def enter(layout: Layout, node: Node, parent: Place, leaves: list[Leaf]) -> Place | None:
    """Put a node that is no text into its parent; return its place if its children are still to be laid out."""
    if isinstance(node, Scope | First | Message | Lines | Capped):
        place = Place(node, parent)
        parent.inside.append(place)
        if isinstance(parent.node, First):
            place.choice = parent
            place.earlier = earlier(parent, len(parent.inside) - 1)
        settle_place(place, node)
        return None if _fill(layout, place, leaves) else place
    leaf = Leaf("", node, parent, parent.slot, parent.hi, parent.lo, OTHER)
    if isinstance(node, Isolate):
        layout.relative = layout.relative or node.limit.relative
        if node.content == "messages":
            leaf.slot = Slot(None, leaf)
    elif isinstance(node, Image) and not layout.chat:
        raise TreeError("an image can only stand in a user's message")
    elif isinstance(node, TokenBreak) and layout.chat:
        raise TreeError("a token break can only stand in a raw prompt: a message is one string to its endpoint")
    elif not isinstance(node, Reserve | Image | TokenBreak | CachePoint | Tools):
        raise TreeError(f"{node.label()}: not a node that can be rendered")
    parent.inside.append(leaf)
    leaves.append(leaf)
    return None


def _fill(layout: Layout, place: Place, leaves: list[Leaf]) -> bool:
    """Lay out at once what needs no walk; True when that was all."""
    node = place.node
    if isinstance(node, Lines):
        fresh = line_leaves(place, node)
        place.inside = list(fresh)
        leaves.extend(fresh)
        return True
    if isinstance(node, Message):
        slot = place.slot = Slot(node, None)
        slot.opening = Leaf("", node, place, slot, place.hi, place.lo, OTHER)
        place.inside.append(slot.opening)
        leaves.append(slot.opening)
    elif isinstance(node, Capped):
        layout.relative = layout.relative or node.limit.relative
    return False


def line_leaves(place: Place, node: Lines) -> list[Leaf]:
    """Make a leaf of each line, and one of the marker that stands for those that are left out."""
    slot, hi, lo = place.slot, place.hi, place.lo
    if node.name:
        place.name = node.name
    made = [
        Leaf(text, node, place, slot, level if level < hi else hi, lo, number)
        for number, (text, level) in enumerate(zip(node.texts, node.priorities, strict=True))
    ]
    if made and node.marker:
        levels = [leaf.hi for leaf in made]
        made.insert(node.gap, Leaf(node.marker, node, place, slot, max(levels), max(lo, min(levels)), MARKER))
    return made


def earlier(choice: Place, number: int) -> float:
    """Return the greatest priority of the alternatives before one, which are settled."""
    before = choice.inside[number - 1] if number else None
    return max(before.earlier, before.priority) if isinstance(before, Place) else NEVER


def leaves_of(entry: Place | Leaf) -> list[Leaf]:
    """Return the leaves of a place in order."""
    if isinstance(entry, Leaf):
        return [entry]
    found: list[Leaf] = []
    todo = [iter(entry.inside)]
    while todo:
        for each in todo[-1]:
            if isinstance(each, Leaf):
                found.append(each)
            else:
                todo.append(iter(each.inside))
                break
        else:
            todo.pop()
    return found


def visit(places: Iterable[Place], enter: Callable[[Place], None]) -> None:
    """Call a function on places and all places in them, outer ones first."""
    stack = list(places)
    while stack:
        place = stack.pop()
        enter(place)
        stack.extend(each for each in place.inside if isinstance(each, Place))
