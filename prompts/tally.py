"""The exact size of a growing selection of leaves, without encoding anything twice.

The tokens of joined texts are not the sum of the texts' tokens: a token may lie across a seam. Neighbours whose seam
may hold one are kept together in a *run*, and a run of several texts is counted joined; everywhere else the counts
just add up. In code nearly every line starts afresh, so runs are short (a line and the blank lines after it), and
adding a leaf recounts only the run it lands in.
"""

from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass, field

from kibitz.prompts.chat_template import ChatTemplate
from kibitz.prompts.layout import Layout, Leaf
from kibitz.prompts.nodes import Isolate
from kibitz.prompts.tokens import AdditiveTokenizer, Tokenizer

# Leaves of a run that are counted joined. A longer run (hundreds of blank lines, or a tokenizer that says nothing of
# seams) is cut into pieces at fixed leaves, else each leaf would cost a count of the whole run; a cut may make the
# tally, but never the final count, too high by a token or so.
_LONGEST_RUN = 128


@dataclass(frozen=True, slots=True)
class Fixed:
    """A rendered isolate: its text, or the tokens of its messages; and what it reserves."""

    text: str
    tokens: int
    reserved: int


@dataclass(slots=True, eq=False)
class _Slot:
    """The shown leaves of one message, in order, and their runs of more than one leaf."""

    around: int
    order: list[int] = field(default_factory=list)
    weight: int = 0
    touched: set[int] = field(default_factory=set)
    run_of: dict[int, tuple[int, ...]] = field(default_factory=dict)
    saved: dict[tuple[int, ...], int] = field(default_factory=dict)
    tokens: int = 0


def _never(left: str, right: str, /) -> bool:
    """Say nothing of the seam between two texts."""
    return False


class Tally:
    """Counts a selection of a layout's leaves as they are added and dropped."""

    def __init__(
        self,
        layout: Layout,
        tokenizer: Tokenizer,
        template: ChatTemplate,
        fix: Callable[[Isolate], Fixed | None],
    ) -> None:
        self._layout = layout
        self._template = template
        self._fix = fix
        self._weigh: Callable[[str], int]
        self._additive: Callable[[str, str], bool]
        if isinstance(tokenizer, AdditiveTokenizer):
            self._weigh, self._scale, self._additive = tokenizer.weigh, tokenizer.scale, tokenizer.additive
        else:
            self._weigh, self._scale, self._additive = tokenizer.count, 1, _never
        self._slots = [_Slot(template.around(role) if layout.chat else 0) for role in layout.roles]
        self._dirty: set[int] = set()
        self._fixed: dict[int, Fixed | None] = {}
        self._tokens = 0
        self.selected: set[int] = set()
        self.reserved = 0
        self.impossible = 0

    def shown(self, slot: int) -> list[int]:
        """Return the leaves shown in a slot, in order."""
        return self._slots[slot].order

    def text(self, leaf: int) -> str:
        """Return a leaf's text; an isolate's is known once it was added."""
        node = self._layout.leaves[leaf]
        if node.isolate is None:
            return node.text
        fixed = self._fixed.get(leaf)
        return fixed.text if fixed else ""

    def weight(self, leaf: int) -> int:
        """Tokens of a leaf on its own, rounded up, with what vanishes beside it when it is dropped."""
        node = self._layout.leaves[leaf]
        around = self._slots[node.slot].around if node.slot >= 0 else 0
        if node.isolate is None:
            return self._count(node.text) + node.reserve + around
        fixed = self.fixed(leaf)
        return fixed.tokens + fixed.reserved + self._count(fixed.text) + around if fixed else 0

    def _count(self, text: str) -> int:
        return -(-self._weigh(text) // self._scale)

    def fixed(self, leaf: int) -> Fixed | None:
        """Return a leaf's isolate, rendered (once); None when it cannot be brought below its limit."""
        if leaf not in self._fixed:
            isolate = self._layout.leaves[leaf].isolate
            self._fixed[leaf] = self._fix(isolate) if isolate else None
        return self._fixed[leaf]

    def add(self, leaf: int) -> None:
        """Show a leaf."""
        self._change(leaf, 1)

    def drop(self, leaf: int) -> None:
        """Show a leaf no more."""
        self._change(leaf, -1)

    def total(self) -> int:
        """Count the prompt with everything round it, without the reserve."""
        for number in self._dirty:
            self._settle(self._slots[number])
        self._dirty.clear()
        opening = self._template.start + self._template.reply_tokens if self._layout.chat else 0
        return self._tokens + opening

    def size(self) -> int:
        """Count the prompt with the reserve."""
        return self.total() + self.reserved

    def _change(self, leaf: int, sign: int) -> None:
        node = self._layout.leaves[leaf]
        (self.selected.add if sign > 0 else self.selected.discard)(leaf)
        self.reserved += sign * node.reserve
        if node.isolate is None:
            if node.text:
                self._move(leaf, node, sign)
            return
        fixed = self.fixed(leaf)
        if fixed is None:
            self.impossible += sign
            return
        self.reserved += sign * fixed.reserved
        self._tokens += sign * fixed.tokens  # of its messages; a text's are counted where it stands
        if fixed.text:
            self._move(leaf, node, sign)

    def _move(self, leaf: int, node: Leaf, sign: int) -> None:
        """Put a text into its slot or take it out, and mark the runs that this changes."""
        slot = self._slots[node.slot]
        self._dirty.add(node.slot)
        slot.weight += sign * self._weigh(self.text(leaf))
        if sign > 0:
            insort(slot.order, leaf)
        place = bisect_left(slot.order, leaf)
        neighbours = slot.order[max(place - 1, 0) : place + 2]
        if sign < 0:
            del slot.order[place]
            slot.touched.discard(leaf)
        for member in (leaf, *neighbours):
            self._break_run(slot, member)
            slot.touched.add(member)
        if sign < 0:
            slot.touched.discard(leaf)

    @staticmethod
    def _break_run(slot: _Slot, leaf: int) -> None:
        run = slot.run_of.get(leaf)
        if run is None:
            return
        slot.weight += slot.saved.pop(run)
        for member in run:
            del slot.run_of[member]
            slot.touched.add(member)

    def _settle(self, slot: _Slot) -> None:
        """Form the runs round every touched leaf and count them joined."""
        while slot.touched:
            leaf = slot.touched.pop()
            if leaf in slot.run_of:
                continue
            run = self._run(slot.order, bisect_left(slot.order, leaf))
            if len(run) == 1:
                continue
            for member in run:
                self._break_run(slot, member)
            texts = [self.text(member) for member in run]
            saved = sum(map(self._weigh, texts)) - self._weigh("".join(texts))
            slot.saved[run] = saved
            slot.run_of.update(dict.fromkeys(run, run))
            slot.weight -= saved
        self._tokens -= slot.tokens
        slot.tokens = -(-slot.weight // self._scale) + slot.around if slot.order else 0
        self._tokens += slot.tokens

    def _run(self, order: list[int], place: int) -> tuple[int, ...]:
        """Return the run that a place is in: its neighbours as far as no seam is additive, or its piece of them."""
        start, end = place, place + 1
        while start and place - start <= _LONGEST_RUN and self._joins(order[start - 1], order[start]):
            start -= 1
        while end < len(order) and end - place <= _LONGEST_RUN and self._joins(order[end - 1], order[end]):
            end += 1
        if end - start > _LONGEST_RUN:
            piece = order[place] // _LONGEST_RUN
            start = max(start, bisect_left(order, piece * _LONGEST_RUN))
            end = min(end, bisect_left(order, (piece + 1) * _LONGEST_RUN))
        return tuple(order[start:end])

    def _joins(self, left: int, right: int) -> bool:
        return not self._additive(self.text(left), self.text(right))
