"""The account of one rendering: what became of every part of the tree, and where it stands in the prompt.

It is made from the tree and the numbers of the leaves that were shown, when somebody asks: a renderer with a memory has
gone on by then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kibitz.prompts.compose import Composed, compose
from kibitz.prompts.layout import MARKER, Layout, Leaf, Slot, lay_out
from kibitz.prompts.rendered import PartReport
from kibitz.prompts.solve import Job, Search
from kibitz.prompts.tree import Isolate, Lines, Node, Text


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


def parts_of(shown: Shown) -> tuple[PartReport, ...]:
    """Report every text in tree order; neighbours out of one scope are one part."""
    return tuple(_Reporter(shown).parts)


class _Reporter:
    """Walks over the leaves and keeps where each message has come to."""

    def __init__(self, shown: Shown) -> None:
        self.shown = shown
        self.layout: Layout = lay_out(*shown.trees, chat=any(tree.content == "messages" for tree in shown.trees))
        self.parts: list[PartReport] = []
        self.ends: dict[Slot, int] = {}
        self.numbers = dict(zip(self.layout.slots(), shown.numbers, strict=True))
        previous: tuple[object, ...] | None = None
        line = 0
        for leaf in self.layout.leaves:
            if leaf.line == 0:
                line = leaf.node.line if isinstance(leaf.node, Lines) else 0
            if isinstance(leaf.node, Isolate):
                previous = None
                self._isolated(leaf, leaf.node)
                continue
            if not leaf.text:
                continue
            visible = leaf.number in shown.leaves
            key = (leaf.place, leaf.slot, visible) if type(leaf.node) is Text else None
            if key is not None and key == previous:
                part = self.parts.pop()
                start = part.start
                text = part.text + leaf.text
                self._end(leaf, visible)
            else:
                start, text = self.ends.get(leaf.slot, 0) if leaf.slot else 0, leaf.text
                self._end(leaf, visible)
            self.parts.append(self._part(leaf, text, visible, start, line))
            previous = key
            line += leaf.text.count("\n") if 0 <= leaf.line < MARKER else 0

    def _end(self, leaf: Leaf, visible: bool) -> None:
        if visible and leaf.slot is not None:
            self.ends[leaf.slot] = self.ends.get(leaf.slot, 0) + len(leaf.text)

    def _part(self, leaf: Leaf, text: str, visible: bool, start: int, line: int = 0) -> PartReport:
        node, slot = leaf.node, leaf.slot
        role = slot.message.role if slot is not None and slot.message is not None else ""
        origin = leaf.origin
        if isinstance(node, Lines) and node.path:
            origin = f"{node.path}:{line}"
        return PartReport(
            name=leaf.name or (f"{role} message" if role else "text"),
            origin=origin,
            priority=leaf.hi,
            shown=visible,
            text=text,
            message=self.numbers.get(slot) if visible and slot is not None and self.layout.chat else None,
            start=start if visible else 0,
            end=start + len(text) if visible else 0,
            replaced=not visible and leaf.hi >= self.shown.cutoff,
            lo=leaf.lo,
            _count=self.shown.job.tokenizer.count,
        )

    def _isolated(self, leaf: Leaf, node: Isolate) -> None:
        """Report an isolate: its own parts, moved to where it stands, or all of it as left out."""
        inner = self.shown.inner.get(node)
        if leaf.number not in self.shown.leaves or inner is None:
            if leaf.number not in self.shown.leaves:
                self.parts.append(self._part(leaf, all_text(node), False, 0))
            return
        by = self.ends.get(leaf.slot, 0) if leaf.slot else 0
        first = self.numbers.get(leaf.slot, 0) if leaf.slot else 0
        chat = node.content == "messages"
        for inside in parts_of(inner):
            part = inside
            if part.shown and chat:
                part = replace(part, message=first + (part.message or 0))
            elif part.shown:
                message = first if self.layout.chat else None
                part = replace(part, message=message, start=by + part.start, end=by + part.end)
                if leaf.slot is not None:
                    self.ends[leaf.slot] = max(self.ends.get(leaf.slot, 0), part.end)
            name = leaf.name if part.name == "text" and leaf.name else part.name
            origin = part.origin or leaf.origin
            self.parts.append(replace(part, name=name, origin=origin, priority=min(part.priority, leaf.hi)))


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
