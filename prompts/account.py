"""The account of one rendering: what became of every part of the tree, and where it stands in the prompt.

It is made from the tree and the numbers of the leaves that were shown, when somebody asks: a renderer with a memory has
gone on by then.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from kibitz.prompts.compose import Composed, compose
from kibitz.prompts.curve import isolated
from kibitz.prompts.layout import MARKER, OTHER, Layout, Leaf, Place, Slot, lay_out
from kibitz.prompts.rendered import PartReport, TokensAt
from kibitz.prompts.solve import Job, Search
from kibitz.prompts.tree import TOP, Isolate, Lines, Message, Node, Text


@dataclass(frozen=True, slots=True)
class Shown:
    """Trees, the numbers of the leaves that are shown, and the isolates in it as they were rendered.

    `numbers` says for each slot of the layout, in order, which message it became (or would have been).
    """

    trees: tuple[Node, ...]
    leaves: frozenset[int]
    numbers: tuple[int, ...]
    inner: "Mapping[Node, Shown]"
    cutoff: float
    job: Job


def shown_of(search: Search, trees: tuple[Node, ...], composed: Composed) -> Shown:
    """Keep what is shown of a search."""
    leaves = frozenset([leaf.number for leaf in search.layout.leaves if leaf.shown])
    inner = {node: shown_of(each, node.children, compose(each)) for node, each in search.inner.items()}
    return Shown(trees, leaves, composed.numbers, inner, search.level, search.job)


def parts_of(shown: Shown, spans: TokensAt | None = None) -> tuple[PartReport, ...]:
    """Report every text in tree order; neighbours out of one scope are one part. `spans` finds a part's tokens."""
    return tuple(_Reporter(shown, spans).parts)


class _Reporter:
    """Walks over the leaves and keeps where each message has come to."""

    def __init__(self, shown: Shown, spans: TokensAt | None) -> None:
        self.shown = shown
        self.spans = spans
        self.layout: Layout = lay_out(*shown.trees, chat=any(tree.content == "messages" for tree in shown.trees))
        self.parts: list[PartReport] = []
        self.ends: dict[Slot, int] = {}
        self.numbers = dict(zip(self.layout.slots(), shown.numbers, strict=True))
        self.slots: dict[Slot, int] = {}
        self.slot_count = 0
        self.count = 0  # texts so far
        previous: tuple[object, ...] | None = None
        line = 0
        node: Node | None = None
        for leaf in self.layout.leaves:
            if leaf.node is not node or leaf.line == 0:
                node = leaf.node
                line = node.line if isinstance(node, Lines) else 0
            if leaf.line == OTHER:
                self._enter(leaf)
                if isinstance(leaf.node, Isolate):
                    previous = None
                    self._isolated(leaf, leaf.node)
                continue
            if not leaf.text:
                continue
            visible = leaf.number in shown.leaves
            key = (leaf.place, leaf.slot, visible) if type(leaf.node) is Text else None
            if key is not None and key == previous:
                part = self.parts[-1]
                self.parts[-1] = replace(
                    part, text=part.text + leaf.text, end=part.end + len(leaf.text) if visible else 0
                )
            else:
                self.parts.append(self._part(leaf, leaf.text, visible, line))
            if visible and leaf.slot is not None:
                self.ends[leaf.slot] = self.ends.get(leaf.slot, 0) + len(leaf.text)
            previous = key
            self.count += 1
            line += leaf.text.count("\n") if 0 <= leaf.line < MARKER else 0

    def _enter(self, leaf: Leaf) -> None:
        """Count the messages of the tree as they begin."""
        if isinstance(leaf.node, Message) and leaf.slot is not None:
            self.slots[leaf.slot] = self.slot_count
            self.slot_count += 1

    def _part(self, leaf: Leaf, text: str, visible: bool, line: int = 0) -> PartReport:
        node, slot = leaf.node, leaf.slot
        role = slot.message.role if slot is not None and slot.message is not None else ""
        start = self.ends.get(slot, 0) if slot is not None and visible else 0
        origin = leaf.origin
        if isinstance(node, Lines) and node.path:
            origin = node.path if leaf.line == MARKER else f"{node.path}:{line}"
        above = not visible and leaf.hi >= self.shown.cutoff
        replaced = above and (leaf.lo >= self.shown.cutoff or self._gave_way(leaf))
        return PartReport(
            name=leaf.name or (f"{role} message" if role else "text"),
            origin=origin,
            priority=leaf.hi,
            shown=visible,
            text=text,
            message=self.numbers.get(slot) if visible and slot is not None and self.layout.chat else None,
            start=start,
            end=start + len(text) if visible else 0,
            replaced=replaced,
            lo=leaf.lo,
            limited=above and not replaced,
            marker=leaf.line == MARKER,
            number=self.count,
            slot=self.slots.get(slot, 0) if slot is not None else 0,
            role=role,
            _count=self.shown.job.tokenizer.count,
            _span=self.spans,
        )

    def _gave_way(self, leaf: Leaf) -> bool:
        """Tell whether a fuller alternative, or the line that a marker stood for, was packed in a leaf's place."""
        if leaf.line == MARKER:
            return any(isinstance(each, Leaf) and each.number in self.shown.leaves for each in leaf.place.inside)
        return any(place in self._chosen for place in _alternatives(leaf))

    @cached_property
    def _chosen(self) -> "set[Place]":
        """The choices of which some alternative is shown."""
        shown = [leaf for leaf in self.layout.leaves if leaf.number in self.shown.leaves]
        return {choice for leaf in shown for choice in _alternatives(leaf)}

    def _isolated(self, leaf: Leaf, node: Isolate) -> None:
        """Report an isolate: its own parts, moved to where it stands, or all of them as left out."""
        visible = leaf.number in self.shown.leaves
        inner = self.shown.inner.get(node) if visible else None
        inside = _Reporter(inner or self._nothing_of(node), None)
        by = self.ends.get(leaf.slot, 0) if leaf.slot else 0
        first = self.numbers.get(leaf.slot, 0) if leaf.slot else 0
        outside = self._part(leaf, "", False)
        chat = node.content == "messages"
        for each in inside.parts:
            part = each
            if part.shown and chat:
                part = replace(part, message=first + (part.message or 0))
            elif part.shown:
                message = first if self.layout.chat else None
                part = replace(part, message=message, start=by + part.start, end=by + part.end)
                if leaf.slot is not None:
                    self.ends[leaf.slot] = max(self.ends.get(leaf.slot, 0), part.end)
            if inner is None:
                part = replace(part, priority=leaf.hi, lo=leaf.lo, replaced=outside.replaced, limited=outside.limited)
            else:
                limited = not part.shown and not part.replaced
                part = replace(part, priority=min(part.priority, leaf.hi), limited=limited, isolated=True)
            self.parts.append(
                replace(
                    part,
                    name=outside.name if part.name == "text" else part.name,
                    origin=part.origin or leaf.origin,
                    number=self.count + part.number,
                    slot=self.slot_count + part.slot if chat else outside.slot,
                    role=part.role if chat else outside.role,
                    _span=self.spans,
                )
            )
        self.count += inside.count
        self.slot_count += inside.slot_count

    def _nothing_of(self, node: Isolate) -> Shown:
        slots = isolated(node).slots()
        return Shown(node.children, frozenset(), (0,) * len(slots), {}, TOP, self.shown.job)


def _alternatives(leaf: Leaf) -> "Iterator[Place]":
    """Yield the choices in which a leaf stands, from the innermost."""
    place: Place | None = leaf.place
    while place is not None:
        if place.choice is not None:
            yield place.choice
        place = place.parent


def all_text(node: Node) -> str:
    """Return everything that a node holds."""
    texts: list[str] = []
    stack: list[Node] = [node]
    while stack:
        each = stack.pop()
        if isinstance(each, Text):
            texts.append(each.text)
        elif isinstance(each, Lines):
            texts.extend(each.texts)
        stack.extend(reversed(each.children))
    return "".join(texts)
