"""The exact size of a growing selection of leaves, without encoding anything twice.

The tokens of joined texts are not the sum of the texts' tokens: a token may lie across a seam. Neighbours whose seam
may hold one are kept together in a *run*, and a run of several texts is counted joined; everywhere else the counts
just add up. In code nearly every line starts afresh, so runs are short (a line and the blank lines after it), and
adding a leaf recounts only the run it lands in.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter

from kibitz.prompts.layout import NEVER, OTHER, Leaf, Slot
from kibitz.prompts.tokens import AdditiveTokenizer, Tokenizer
from kibitz.prompts.tree import TokenBreak

# Leaves of a run that are counted joined. A longer run (hundreds of blank lines, or a tokenizer that says nothing of
# seams) is cut into pieces at fixed leaves, else each leaf would cost a count of the whole run; a cut may make the
# tally, but never the final count, too high by a token or so.
_LONGEST_RUN = 128
# So many leaves at once, and at least this share of what is there, are not put in one by one.
_MANY, _SHARE = 48, 8

# Characters up to which a text is counted joined as a whole; of a longer one only what a token may lie across.
_SHORT = 240

_number = attrgetter("number")


@dataclass(frozen=True, slots=True)
class Extra:
    """What a leaf takes besides text: tokens, reserved room; whether its message stays without any text.

    `possible` is False for an isolate that cannot be brought below its limit.
    """

    tokens: int = 0
    reserved: int = 0
    holds: bool = False
    possible: bool = True


class _Run:
    """Leaves that are counted joined, and what that saves."""

    __slots__ = ("leaves", "saved")

    def __init__(self, leaves: list[Leaf], saved: int) -> None:
        self.leaves = leaves
        self.saved = saved


def _never(left: str, right: str, /) -> bool:
    """Say nothing of the seam between two texts."""
    return False


class Tally:
    """Counts a selection of leaves as they are added and dropped.

    Args:
        tokenizer: counts texts.
        opening: tokens that are always there.
        around: what a message takes besides its content.
        extra: what a leaf that is no text takes; it may give the leaf its text.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        opening: int,
        around: Callable[[Slot], int],
        extra: Callable[[Leaf], Extra],
    ) -> None:
        self._weigh: Callable[[str], int]
        self._additive: Callable[[str, str], bool]
        self.sure = isinstance(tokenizer, AdditiveTokenizer)
        if isinstance(tokenizer, AdditiveTokenizer):
            self._weigh, self._scale, self._additive = tokenizer.weigh, tokenizer.scale, tokenizer.additive
        else:
            self._weigh, self._scale, self._additive = tokenizer.count, 1, _never
        self._around = around
        self._extra_of = extra
        self._extra: dict[Leaf, Extra] = {}
        self._held: dict[Slot, int] = {}
        self._dirty: set[Slot] = set()
        self._tokens = opening
        self.reserved = 0
        self.impossible = 0
        self.passing = 0  # what the shown alternatives weigh: they may vanish again

    def extra(self, leaf: Leaf) -> Extra:
        """Return what a leaf that is no text takes, found out once."""
        known = self._extra.get(leaf)
        if known is None:
            known = self._extra[leaf] = self._extra_of(leaf)
        return known

    def forget(self, leaf: Leaf) -> None:
        """Forget a leaf that is gone."""
        self._extra.pop(leaf, None)

    def weight(self, leaf: Leaf) -> int:
        """Count a leaf's text on its own, in the tokenizer's units."""
        if leaf.weight < 0:
            leaf.weight = self._weigh(leaf.text) if leaf.text else 0
        return leaf.weight

    def tokens_of(self, leaf: Leaf) -> int:
        """Count a leaf on its own with what it reserves, in tokens, rounded up."""
        if leaf.line != OTHER:
            return -(-self.weight(leaf) // self._scale)
        extra = self.extra(leaf)
        return -(-self.weight(leaf) // self._scale) + extra.tokens + extra.reserved

    def add(self, leaves: Iterable[Leaf]) -> None:
        """Show leaves that are not shown."""
        texts: dict[Slot, list[Leaf]] = {}
        for leaf in leaves:
            leaf.shown = True
            self._count(leaf, 1)
            if leaf.text or isinstance(leaf.node, TokenBreak):
                slot = leaf.slot
                if slot is not None:
                    texts.setdefault(slot, []).append(leaf)
        for slot, fresh in texts.items():
            self._dirty.add(slot)
            if len(fresh) > _MANY and len(fresh) * _SHARE > len(slot.order):
                self._insert_many(slot, fresh)
            else:
                for leaf in fresh:
                    self._insert(slot, leaf)

    def drop(self, leaves: Iterable[Leaf]) -> None:
        """Show leaves no more."""
        for leaf in leaves:
            leaf.shown = False
            self._count(leaf, -1)
            slot = leaf.slot
            if slot is not None and (leaf.text or isinstance(leaf.node, TokenBreak)):
                self._dirty.add(slot)
                self._remove(slot, leaf)

    def total(self) -> int:
        """Count the prompt with everything round it, without the reserve."""
        for slot in self._dirty:
            self._settle(slot)
        self._dirty.clear()
        return self._tokens

    def size(self) -> int:
        """Count the prompt with the reserve."""
        return self.total() + self.reserved

    def holds(self, slot: Slot) -> bool:
        """Tell whether a message is sent: it has a text, an image or a call."""
        return bool(slot.order) or self._held.get(slot, 0) > 0

    def _count(self, leaf: Leaf, sign: int) -> None:
        if leaf.lo > NEVER:
            self.passing += sign * self.tokens_of(leaf)
        if leaf.line != OTHER:
            return
        extra = self.extra(leaf)
        self._tokens += sign * extra.tokens
        self.reserved += sign * extra.reserved
        self.impossible += sign * (not extra.possible)
        if extra.holds and leaf.slot is not None:
            self._held[leaf.slot] = self._held.get(leaf.slot, 0) + sign
            self._dirty.add(leaf.slot)

    def _insert(self, slot: Slot, leaf: Leaf) -> None:
        order = slot.order
        slot.weight += self.weight(leaf)
        place = bisect_left(order, leaf.number, key=_number)
        order.insert(place, leaf)
        touched = slot.touched
        touched.add(leaf)
        if place:
            before = order[place - 1]
            touched.add(before)
            if before.run is not None:
                self._break(slot, before)
        if place + 1 < len(order):
            after = order[place + 1]
            touched.add(after)
            if after.run is not None:
                self._break(slot, after)

    def _remove(self, slot: Slot, leaf: Leaf) -> None:
        order = slot.order
        if leaf.run is not None:
            self._break(slot, leaf)
        slot.weight -= self.weight(leaf)
        place = bisect_left(order, leaf.number, key=_number)
        del order[place]
        slot.touched.discard(leaf)
        for near in order[max(place - 1, 0) : place + 1]:
            if near.run is not None:
                self._break(slot, near)
            slot.touched.add(near)

    def _insert_many(self, slot: Slot, fresh: list[Leaf]) -> None:
        for leaf in slot.order:
            if leaf.run is not None:
                self._break(slot, leaf)
        slot.weight += sum(map(self.weight, fresh))
        slot.order.extend(fresh)
        slot.order.sort(key=_number)
        slot.touched.clear()
        order, joins = slot.order, self._joins
        previous = order[0]
        for leaf in order[1:]:
            if joins(previous, leaf):
                slot.touched.add(leaf)
            previous = leaf

    @staticmethod
    def _break(slot: Slot, leaf: Leaf) -> None:
        run = leaf.run
        assert isinstance(run, _Run)
        slot.weight += run.saved
        for member in run.leaves:
            member.run = None
            slot.touched.add(member)

    def _settle(self, slot: Slot) -> None:
        """Form the runs round every touched leaf and count them joined."""
        touched = slot.touched
        while touched:
            leaf = touched.pop()
            if leaf.run is not None:
                continue
            run = self._run(slot, bisect_left(slot.order, leaf.number, key=_number))
            if len(run) == 1:
                continue
            for member in run:
                if member.run is not None:
                    self._break(slot, member)
            saved = self._saved([member.text for member in run])
            made = _Run(run, saved)
            for member in run:
                member.run = made
            slot.weight -= saved
        self._tokens -= slot.tokens
        if self.holds(slot):
            slot.around = slot.around or self._around(slot)
            slot.tokens = -(-slot.weight // self._scale) + slot.around
        else:
            slot.tokens = 0
        self._tokens += slot.tokens

    def _saved(self, texts: list[str]) -> int:
        """Count what joining texts saves, from what lies round their seams."""
        ends = [self._after_last_cut(texts[0]), *texts[1:-1], self._before_first_cut(texts[-1])]
        return sum(map(self._weigh, ends)) - self._weigh("".join(ends))

    def _after_last_cut(self, text: str) -> str:
        """Return the end of a text that no token can reach into from before it."""
        if len(text) <= _SHORT:
            return text
        at = text.rfind("\n", 0, len(text) - 1)
        while at >= 0:
            if self._additive(text[max(0, at - _SHORT) : at + 1], text[at + 1 : at + _SHORT]):
                return text[at + 1 :]
            at = text.rfind("\n", 0, at)
        return text

    def _before_first_cut(self, text: str) -> str:
        """Return the start of a text that no token can reach out of."""
        if len(text) <= _SHORT:
            return text
        at = text.find("\n")
        while at >= 0:
            if self._additive(text[max(0, at - _SHORT) : at + 1], text[at + 1 : at + _SHORT]):
                return text[: at + 1]
            at = text.find("\n", at + 1)
        return text

    def _run(self, slot: Slot, place: int) -> list[Leaf]:
        """Return the run that a place is in: its neighbours as far as no seam is additive, or its piece of them."""
        order = slot.order
        start, end = place, place + 1
        while start and place - start <= _LONGEST_RUN and self._joins(order[start - 1], order[start]):
            start -= 1
        while end < len(order) and end - place <= _LONGEST_RUN and self._joins(order[end - 1], order[end]):
            end += 1
        if end - start > _LONGEST_RUN:
            slot.cut = True
            piece = order[place].number // _LONGEST_RUN
            start = max(start, bisect_left(order, piece * _LONGEST_RUN, key=_number))
            end = min(end, bisect_left(order, (piece + 1) * _LONGEST_RUN, key=_number))
        return order[start:end]

    def _joins(self, left: Leaf, right: Leaf) -> bool:
        if not left.text or not right.text:  # a token break
            return False
        return not self._additive(left.text, right.text)
