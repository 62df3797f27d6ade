"""Changing a layout, and what is shown of it, into that of the next tree, at the price of what changed.

Trees are compared node by node, as React compares what components return: a node that is the same object needs no
look, one of the same kind keeps its place and its children are compared, any other is laid out anew. Children are
matched from both ends, and in between by what they are called.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress, count
from operator import is_not, ne

from kibitz.prompts.layout import (
    TEXT,
    Layout,
    Leaf,
    Place,
    bare,
    earlier,
    enter,
    fill_in,
    leaves_of,
    line_leaves,
    settle_place,
    text_leaf,
)
from kibitz.prompts.solve import Search
from kibitz.prompts.tree import CachePoint, Capped, First, Lines, Message, Node, Reserve, Scope, Text, TokenBreak

# When more than this share of the leaves gets other priorities, the levels are made anew.
_MANY = 0.2


class _Unnamed(str):
    """How a node begins that has neither key nor name."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class _Changes:
    """What a new tree changes: leaves that are gone, fresh ones, other texts, other intervals (leaf, hi, lo)."""

    gone: list[Leaf] = field(default_factory=list)
    fresh: list[Leaf] = field(default_factory=list)
    texts: list[tuple[Leaf, str]] = field(default_factory=list)
    moves: list[tuple[Leaf, float, float]] = field(default_factory=list)
    grown: list[Place] = field(default_factory=list)  # that hold capped nodes
    reordered: bool = False
    lined: list[Place] = field(default_factory=list)  # whose lines have other intervals, or came or went


def follow(search: Search, tree: Node, *, keep: bool = False) -> None:
    """Change a search's layout into that of another tree, and show of it what is at or above the level it stands at.

    With `keep`, what was shown stays shown as long as it is in the tree.
    """
    _carry_out(search, _Comparison(search.layout).run(bare(tree)), keep=keep)


class _Comparison:
    """Compares a layout with a tree, and puts the tree's nodes into the layout's places."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.changes = _Changes()
        self.todo: list[tuple[Place, Node, bool]] = []  # a place, its node now, whether its interval has changed

    def run(self, tree: Node) -> _Changes:
        """Compare; the tree must have the kind of content that the layout has."""
        self.todo.append((self.layout.root, tree, False))
        while self.todo:
            self._compare(*self.todo.pop())
        return self.changes

    def _compare(self, place: Place, node: Node, moved: bool) -> None:
        old, place.node = place.node, node
        if moved:
            _resettle(place)
        if isinstance(node, Lines) and isinstance(old, Lines):
            self._lines(place, old, node, moved)
            return
        head = 1 if isinstance(node, Message) else 0  # a message begins with a leaf of its own
        if head and moved:
            opening = place.inside[0]
            assert isinstance(opening, Leaf)
            self.changes.moves.append((opening, place.hi, place.lo))
        if isinstance(node, First):
            moved = moved or _priorities(old) != _priorities(node)
        entries, nodes = place.inside[head:], node.children
        pairs = _match(entries, nodes, place)
        if not moved and len(pairs) == len(nodes) == len(entries):
            for number in compress(count(), map(is_not, [entry.node for entry in entries], nodes)):
                self._pair(entries[number], nodes[number], moved=False)
        else:
            self._children(place, entries, {new: old for old, new in pairs}, moved, head)

    def _children(
        self, place: Place, entries: list[Place | Leaf], old_of: dict[int, int], moved: bool, head: int
    ) -> None:
        """Put the entries of a place together anew from those that have a match and those that are laid out."""
        place.inside = place.inside[:head]
        kept: set[int] = set()
        for number, node in enumerate(place.node.children):
            match = old_of.get(number)
            entry = entries[match] if match is not None else None
            if match is None or entry is None or (moved and isinstance(node, Capped)):
                self._lay(node, place)
                continue
            self.changes.reordered = self.changes.reordered or match < max(kept, default=0)
            kept.add(match)
            place.inside.append(entry)
            if isinstance(entry, Place) and isinstance(place.node, First):
                entry.node, entry.choice = node, place
                entry.earlier = earlier(place, len(place.inside) - 1)
                _resettle(entry)
            self._pair(entry, node, moved)
        for number, entry in enumerate(entries):
            if number not in kept:
                self.changes.gone.extend(leaves_of(entry))

    def _pair(self, entry: Place | Leaf, node: Node, moved: bool) -> None:
        """Let an entry follow a node that it can follow."""
        old = entry.node
        if isinstance(entry, Place):
            if isinstance(node, Scope) and isinstance(old, Scope):
                moved = moved or (node.p, node.prel) != (old.p, old.prel)
            if moved or node is not old:
                self.todo.append((entry, node, moved))
            return
        entry.node = node
        if not moved and (node is old or _twins(old, node)):
            return
        hi, lo = entry.place.hi, entry.place.lo
        if entry.line == TEXT:
            fresh = text_leaf(node, entry.place)
            assert fresh is not None
            hi, lo = fresh.hi, fresh.lo
            if fresh.text != entry.text:
                self.changes.texts.append((entry, fresh.text))
        if (hi, lo) != (entry.hi, entry.lo):
            self.changes.moves.append((entry, hi, lo))

    def _lines(self, place: Place, old: Lines, new: Lines, moved: bool) -> None:
        """Let lines follow lines: those that both begin and end with stay, the ones between get another text."""
        entries: list[Leaf] = [entry for entry in place.inside if isinstance(entry, Leaf)]
        if old.marker or new.marker:
            self.changes.gone.extend(entries)
            fresh = line_leaves(place, new)
            self.changes.fresh.extend(fresh)
            place.inside = list(fresh)
            return
        least = min(len(old.texts), len(new.texts))
        head = next(compress(count(), map(ne, old.texts, new.texts)), least)
        tail = next(compress(count(), map(ne, reversed(old.texts), reversed(new.texts))), least)
        tail = min(tail, least - head)
        between = least - tail
        self.changes.texts.extend((entries[number], new.texts[number]) for number in range(head, between))
        if len(old.texts) != len(new.texts):
            self.changes.gone.extend(entries[between : len(entries) - tail])
            fresh = line_leaves(place, new)[between : len(new.texts) - tail]
            self.changes.fresh.extend(fresh)
            entries = [*entries[:between], *fresh, *entries[len(entries) - tail :]]
            place.inside = list(entries)
        elif not moved and old.priorities == new.priorities:
            return
        self.changes.lined.append(place)
        hi, lo = place.hi, place.lo
        for number, (leaf, level) in enumerate(zip(entries, new.priorities, strict=True)):
            leaf.node, leaf.line = new, number
            above = level if level < hi else hi
            if leaf.hi != above or leaf.lo != lo:
                self.changes.moves.append((leaf, above, lo))

    def _lay(self, node: Node, parent: Place) -> None:
        """Lay out a node that has no match, at the end of its parent."""
        leaf = text_leaf(node, parent)
        if leaf is not None:
            parent.inside.append(leaf)
            self.changes.fresh.append(leaf)
            return
        place = enter(self.layout, node, parent, self.changes.fresh)
        if place is not None:
            fill_in(self.layout, place, self.changes.fresh)
        entry = parent.inside[-1]
        if isinstance(entry, Place) and entry.node.isolates:
            self.changes.grown.append(entry)


def _match(entries: Sequence[Place | Leaf], nodes: Sequence[Node], parent: Place) -> list[tuple[int, int]]:
    """Pair old entries with new children that they can follow, in order."""
    most = min(len(entries), len(nodes))
    head = next(compress(count(), map(is_not, [entry.node for entry in entries], nodes)), most)
    while head < most and _same(entries[head], nodes[head], parent):
        head += 1
    tail = 0
    while tail < most - head and _same(entries[-1 - tail], nodes[-1 - tail], parent):
        tail += 1
    pairs = [(number, number) for number in range(head)]
    olds, news = range(head, len(entries) - tail), range(head, len(nodes) - tail)
    if len(olds) == len(news) and all(_may(entries[old].node, nodes[new]) for old, new in zip(olds, news, strict=True)):
        pairs.extend((old, new) for old, new in zip(olds, news, strict=True) if _can(entries[old], nodes[new], parent))
    else:
        waiting: dict[object, list[int]] = {}
        for old in reversed(olds):
            waiting.setdefault(_called(entries[old].node), []).append(old)
        least = head
        for new in news:
            node = nodes[new]
            queue = waiting.get(_called(node), [])
            while queue and queue[-1] < least and node.content != "messages":  # what is in one text keeps its order
                queue.pop()
            if queue and _can(entries[queue[-1]], node, parent):
                pairs.append((queue[-1], new))
                least = queue.pop() + 1
    pairs.extend((len(entries) - tail + n, len(nodes) - tail + n) for n in range(tail))
    return pairs


def _may(old: Node, node: Node) -> bool:
    """Tell whether one node may be the other, changed: they are called the same, or are called nothing."""
    mine, theirs = _called(old), _called(node)
    return mine == theirs or (isinstance(mine, _Unnamed) and isinstance(theirs, _Unnamed))


def _same(entry: Place | Leaf, node: Node, parent: Place) -> bool:
    old = entry.node
    return old is node or _twins(old, node) or (_called(old) == _called(node) and _can(entry, node, parent))


def _twins(old: Node, node: Node) -> bool:
    """Tell whether two scopes of one text each are the same in all; cheaply, for there are many."""
    if type(old) is not Scope or type(node) is not Scope:
        return False
    if len(old.children) != 1 or len(node.children) != 1 or old.p != node.p or old.prel != node.prel:
        return False
    mine, theirs = old.children[0], node.children[0]
    return (
        isinstance(mine, Text)
        and isinstance(theirs, Text)
        and mine.text == theirs.text
        and (old.name, old.origin, old.key) == (node.name, node.origin, node.key)
    )


def _can(entry: Place | Leaf, node: Node, parent: Place) -> bool:
    """Tell whether an entry can follow a node: change, instead of being laid out anew."""
    old = entry.node
    if old is node:
        return True
    if isinstance(entry, Leaf):
        if entry.line == TEXT:
            return text_leaf(node, parent) is not None
        same = isinstance(old, Reserve) and isinstance(node, Reserve) and old.tokens == node.tokens
        return same or (type(old) is type(node) and isinstance(node, TokenBreak | CachePoint))
    if type(old) is not type(node) or isinstance(node, Capped):
        return False
    if isinstance(node, Message) and isinstance(old, Message):
        return (old.role, old.name, old.calls, old.call_id) == (node.role, node.name, node.calls, node.call_id)
    return text_leaf(node, parent) is None


def _called(node: Node) -> object:
    """Return what a node is told apart by from its siblings: its key or name, or how it begins."""
    for _ in range(4):
        if isinstance(node, Scope):
            if node.key:
                return node.key
            if node.name or node.origin:
                return Scope, node.name, node.origin
        if isinstance(node, Text):
            return _Unnamed(node.text)
        if isinstance(node, Lines):
            return Lines, node.name, node.path
        if not node.children:
            break
        node = node.children[0]
    return _Unnamed(type(node).__name__)


def _priorities(node: Node) -> list[tuple[float | None, float | None]]:
    return [(each.p, each.prel) for each in node.children if isinstance(each, Scope)]


def _resettle(place: Place) -> None:
    parent = place.parent
    if parent is not None:
        place.priority, place.hi, place.lo = parent.priority, parent.hi, parent.lo
        settle_place(place, place.node)


def _carry_out(search: Search, changes: _Changes, *, keep: bool) -> None:
    """Change what is shown: take away what is gone, show what is fresh and what has risen to the level."""
    layout, tally = search.layout, search.tally
    texts, moves = changes.texts, changes.moves
    touched = [*(leaf for leaf, _ in texts), *(leaf for leaf, _, _ in moves)]
    were = {leaf for leaf in touched if leaf.shown} if keep else set()
    tally.drop([leaf for leaf in changes.gone if leaf.shown])
    tally.drop([leaf for leaf, _ in texts if leaf.shown])
    for leaf, text in texts:
        leaf.text, leaf.weight = text, -1
    for leaf, hi, lo in moves:  # an alternative counts as one while it is shown: it leaves as what it came
        if leaf.shown and (lo != leaf.lo or not (keep or lo < search.level <= hi)):
            tally.drop((leaf,))
    for leaf in changes.gone:
        tally.forget(leaf)
        search.inner.pop(leaf.node, None)
    if changes.gone or changes.fresh or changes.reordered:
        layout.leaves = leaves_of(layout.root)
        for number, leaf in enumerate(layout.leaves):
            leaf.number = number
    _relevel(layout, changes)
    for place in changes.grown:
        search.cap(place)
    search.snap()
    level = search.level
    if keep and changes.lined:
        stranded = _stranded(changes.lined, level, were)
        tally.drop([leaf for leaf in stranded if leaf.shown])
        were.difference_update(stranded)
    tally.add(
        [
            leaf
            for leaf in dict.fromkeys((*changes.fresh, *touched))
            if not leaf.shown and (leaf.lo < level <= leaf.hi or leaf in were)
        ]
    )


def _stranded(places: list[Place], level: float, were: set[Leaf]) -> list[Leaf]:
    """Return the lines that would stay though nothing at or above the level is near them any more.

    They would leave a hole in the text that nothing marks. A text of which nothing is at or above the level may stay.
    """
    stranded: list[Leaf] = []
    for place in places:
        alone: list[Leaf] = []
        group: list[Leaf] = []
        touched = found = False  # whether the group, the place has a line at or above the level
        for leaf in [*place.inside, None]:
            if isinstance(leaf, Leaf) and (leaf.shown or leaf in were or leaf.lo < level <= leaf.hi):
                group.append(leaf)
                touched = touched or leaf.lo < level <= leaf.hi
                continue
            found = found or touched
            alone.extend(group if not touched else ())
            group, touched = [], False
        stranded.extend(alone if found else ())
    return stranded


def _relevel(layout: Layout, changes: _Changes) -> None:
    """Bring the levels up to date."""
    if len(changes.gone) + len(changes.fresh) + len(changes.moves) > _MANY * len(layout.leaves):
        for leaf, hi, lo in changes.moves:
            leaf.hi, leaf.lo = hi, lo
        layout.level_all()
        return
    for leaf in changes.gone:
        layout.level_out(leaf)
    for leaf, hi, lo in changes.moves:
        layout.level_out(leaf)
        leaf.hi, leaf.lo = hi, lo
        layout.level_in(leaf)
    for leaf in changes.fresh:
        layout.level_in(leaf)
