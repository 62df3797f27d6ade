"""The search: which leaves of a layout are shown within a budget.

*strict* finds the lowest cutoff whose prompt fits. *pack* goes on from there: down the levels, in document order, it
adds each scope that still fits; *value* does the same but of one level takes the smallest first, so that more of them
get in. A scope that would fit is never left out for one of a lower priority.

The walk goes down the levels and stops once the prompt is over the budget for good, so only texts that can matter are
encoded, each once; then it goes up again to the first prompt that fits. Every size compared is the exact size of the
joined text (tally.py).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Literal

from kibitz.prompts.chat_template import ChatTemplate
from kibitz.prompts.layout import (
    MARKER,
    NEVER,
    Layout,
    Leaf,
    Place,
    Slot,
    bare,
    lay_out,
    lay_out_under,
    leaves_of,
    visit,
)
from kibitz.prompts.tally import Extra, Tally
from kibitz.prompts.tokens import Tokenizer
from kibitz.prompts.tree import TOP, Capped, Image, Isolate, Message, Node, Reserve, Tools

Mode = Literal["strict", "pack", "value"]

# Looking for more to pack ends when what turned out too big for the room has this share of the budget, in tokens, at
# least so many: each was encoded for nothing. What surely does not fit is not even encoded: no token holds two words,
# and no text has so many characters a token. After half of these vain tries only what most likely fits is tried.
_IN_VAIN, _IN_VAIN_LEAST = 0.8, 512
_CHARACTERS, _LIKELY_CHARACTERS = 16, 3
# What joining a text to its neighbours may save of its own tokens.
_SEAMS = 8
# A room of this part of the budget is not worth looking for anything that fits.
_CRUMB = 1000


@dataclass(frozen=True, slots=True)
class Job:
    """What stays the same through one rendering, isolates included."""

    tokenizer: Tokenizer
    template: ChatTemplate
    mode: Mode


@dataclass(slots=True, eq=False)
class Unit:
    """Leaves that come, and go for them, as one: a scope, or the swap of one alternative for a fuller one."""

    top: Place | Leaf
    comes: list[Leaf] = field(default_factory=list)
    goes: list[Leaf] = field(default_factory=list)


class Search:
    """A layout, what of it is shown, and how much that takes. It can go on from where it stands.

    `level` is the least priority down to which everything has come; `taken` are the units that came beyond it.
    """

    def __init__(self, layout: Layout, job: Job, budget: int, *, opening: int = 0) -> None:
        self.layout = layout
        self.job = job
        self.budget = budget
        self.opening = opening
        self.inner: dict[Node, Search] = {}
        self.level = TOP
        self.taken: list[Unit] = []
        self.tally = Tally(job.tokenizer, opening=opening, around=self._around, extra=self._extra)
        if layout.root.node.isolates:
            self.cap(layout.root)
        self.tally.add(layout.comes.get(TOP, ()))

    # -- moving the cutoff ---------------------------------------------------------------------------------------

    def settle(self, budget: int, *, pack: bool = True) -> bool:
        """Find what is shown within a budget; False when nothing fits."""
        self.put_back()
        self._down(budget)
        if not self._up(budget):
            return False
        if pack and self.job.mode != "strict":
            self._pack(budget)
        return True

    def snap(self) -> None:
        """Stand at a level that is there: the next higher one shows the same."""
        levels = self.layout.levels
        self.level = -levels[bisect_right(levels, -self.level) - 1]

    def put_back(self, *, swaps: bool = False) -> None:
        """Take back what came beyond the cutoff; with `swaps` only fuller versions, and the rest is no longer known."""
        for unit in reversed(self.taken):
            if unit.goes or not swaps:
                self._undo(unit)
        self.taken.clear()

    def all_shown(self) -> bool:
        """Tell whether nothing is left out that could be shown."""
        return all([leaf.shown or leaf.lo > NEVER or leaf.lo >= leaf.hi for leaf in self.layout.leaves])

    def let_go(self) -> None:
        """Show only what is at or above the level, of all that is shown."""
        self.tally.drop([leaf for leaf in self.layout.leaves if leaf.shown and not leaf.lo < self.level <= leaf.hi])

    def fits(self, budget: int) -> bool:
        """Tell whether what is shown fits."""
        return self.tally.size() <= budget and not self.tally.impossible

    def _down(self, budget: int) -> None:
        """Lower the cutoff until the prompt is over the budget by more than could vanish again.

        Levels are taken together as far as the texts on their own say, then the exact size is looked at.
        """
        layout, tally = self.layout, self.tally
        levels = layout.levels
        most = budget + 64 + budget // 16
        at = bisect_left(levels, -self.level)
        while at + 1 < len(levels):
            room = most - (tally.size() - tally.passing)
            if room < 0:
                break
            comes: list[Leaf] = []
            goes: list[Leaf] = []
            while at + 1 < len(levels) and room >= 0:
                at += 1
                level = -levels[at]
                fresh = layout.comes.get(level, ())
                comes.extend(fresh)
                goes.extend(layout.goes.get(level, ()))
                room -= sum([tally.tokens_of(leaf) for leaf in fresh if leaf.lo == NEVER])
            self.level = -levels[at]
            if goes:  # an alternative may come and go on the way
                gone = set(goes)
                tally.drop([leaf for leaf in goes if leaf.shown])
                comes = [leaf for leaf in comes if leaf not in gone]
            tally.add(comes)

    def _up(self, budget: int) -> bool:
        """Raise the cutoff until the prompt fits."""
        levels = self.layout.levels
        at = bisect_left(levels, -self.level)
        while not self.fits(budget):
            if not at:
                return False
            self.tally.drop(self.layout.comes.get(self.level, ()))
            self.tally.add(self.layout.goes.get(self.level, ()))
            at -= 1
            self.level = -levels[at]
        return True

    def count(self) -> int:
        """Count what is shown, without the reserve, exactly: what the tally may have too high is encoded whole."""
        tokens = self.tally.total()
        for slot in self.layout.slots():
            if (slot.cut or not self.tally.sure) and slot.order:
                joined = self._joined(slot)
                tokens += joined - (slot.tokens - slot.around)
        return tokens

    def _joined(self, slot: Slot) -> int:
        """Encode a slot's text whole, or its pieces between token breaks."""
        pieces = [""]
        for leaf in slot.order:
            if leaf.text:
                pieces[-1] += leaf.text
            else:
                pieces.append("")
        return sum(self.job.tokenizer.count(piece) for piece in pieces if piece)

    # -- packing -------------------------------------------------------------------------------------------------

    def _pack(self, budget: int) -> None:
        """Add scopes of the lower levels that still fit."""
        layout, tally = self.layout, self.tally
        levels = layout.levels
        refused: set[Place | Leaf] = set()
        in_vain, most_in_vain = 0, max(_IN_VAIN_LEAST, int(budget * _IN_VAIN))
        room = budget - tally.size()
        for at in range(bisect_left(levels, -self.level) + 1, len(levels)):
            level = -levels[at]
            comes = layout.comes.get(level)
            if comes is None or (refused and all([leaf.place in refused for leaf in comes])):
                continue
            most = _CHARACTERS if in_vain * 2 <= most_in_vain else _LIKELY_CHARACTERS
            if len(comes) == 1 and level not in layout.goes and _too_long(comes, room, most, tally):
                refused.add(_top(comes[0], level))
                continue
            for unit in self._units(level):
                if room <= budget // _CRUMB or in_vain > most_in_vain:
                    return
                if (refused and _within(unit.top, refused)) or not all([leaf.shown for leaf in unit.goes]):
                    continue
                if not unit.goes and _too_long(unit.comes, room, most, tally):
                    refused.add(unit.top)
                    continue
                self._apply(unit)
                if self.fits(budget):
                    self.taken.append(unit)
                    room = budget - tally.size()
                else:
                    in_vain += sum(map(tally.tokens_of, unit.comes))
                    self._undo(unit)
                    refused.add(unit.top)

    def _units(self, level: float) -> Sequence[Unit]:
        """Group what comes at a level by the outermost scope that comes with it, or by the choice it stands in.

        A line that comes alone is a unit whose top is all of its lines: beyond one that was refused no other comes,
        for a text must have no holes that nothing marks.
        """
        comes = self.layout.comes.get(level, ())
        goes = self.layout.goes.get(level, ())
        if len(comes) > 1:
            comes = sorted(comes, key=attrgetter("number"))
        units: dict[Place | Leaf, Unit] = {}
        last: dict[Place, Unit] = {}  # of the lines of a place
        for leaf in comes:
            top = _outermost(leaf, level)
            unit = units.get(top or leaf)
            if unit is None:
                unit = units[top or leaf] = Unit(_top(leaf, level))
            unit.comes.append(leaf)
            if top is None:
                last[leaf.place] = unit
        for leaf in goes:
            choice = _choice(leaf, level)
            swap = last.get(leaf.place) if leaf.line == MARKER and choice is None else units.get(choice or leaf)
            if swap is not None:
                swap.goes.append(leaf)
        kept = list(units.values())
        if len(kept) > 1:
            if self.job.mode == "value":
                kept.sort(key=lambda unit: sum(map(self.tally.tokens_of, unit.comes)))
            else:
                kept.sort(key=lambda unit: unit.comes[0].number)
        return kept

    def _apply(self, unit: Unit) -> None:
        if unit.goes:
            self.tally.drop(unit.goes)
        self.tally.add(unit.comes)

    def _undo(self, unit: Unit) -> None:
        self.tally.drop(unit.comes)
        if unit.goes:
            self.tally.add(unit.goes)

    # -- what is no text -----------------------------------------------------------------------------------------

    def _around(self, slot: Slot) -> int:
        if not self.layout.chat or slot.message is None:
            return 0
        message = slot.message
        return self.job.template.around_message(
            message.role, self.job.tokenizer.count, name=message.name, calls=message.calls, call_id=message.call_id
        )

    def _extra(self, leaf: Leaf) -> Extra:
        node = leaf.node
        if isinstance(node, Reserve):
            return Extra(reserved=node.tokens)
        if isinstance(node, Message):
            return Extra(holds=bool(node.calls))
        if isinstance(node, Image):
            return Extra(tokens=self.job.template.image_tokens(node.width, node.height, node.detail), holds=True)
        if isinstance(node, Tools):
            return Extra(tokens=self.job.template.tool_tokens(node.definitions, self.job.tokenizer.count))
        if isinstance(node, Isolate):
            return self._isolated(leaf, node)
        return Extra()

    def _isolated(self, leaf: Leaf, node: Isolate) -> Extra:
        """Render an isolate to its own limit and give the leaf its text."""
        inner = self.inner.get(node)
        if inner is None:
            limit = node.limit.within(self.budget, self.rest() if node.limit.rest else 0)
            inner = Search(lay_out(*node.children, chat=node.content == "messages"), self.job, limit)
            if not inner.settle(limit):
                inner.level = TOP
                return Extra(possible=False)
            self.inner[node] = inner
        if inner.layout.chat:
            return Extra(tokens=inner.tally.total(), reserved=inner.tally.reserved, holds=True)
        leaf.text = "".join([each.text for slot in inner.layout.slots() for each in slot.order])
        leaf.weight = -1
        return Extra(reserved=inner.tally.reserved)

    def rest(self) -> int:
        """Return what the budget leaves beside what is always shown (limits of the rest not counted)."""
        taken = 0
        seen: set[Slot] = set()
        for leaf in self.layout.comes.get(TOP, ()):
            if isinstance(leaf.node, Isolate) and leaf.node.limit.rest:
                continue
            taken += self.tally.tokens_of(leaf)
            if leaf.slot is not None and leaf.slot not in seen and leaf.slot.message is not None:
                seen.add(leaf.slot)
                taken += self._around(leaf.slot)
        return max(0, self.budget - taken - self.opening)

    def cap(self, top: Place) -> None:
        """Settle what capped nodes inside a place may show at most, inner ones first, by narrowing their leaves."""
        places: list[Place] = []
        visit([top], lambda place: places.append(place) if isinstance(place.node, Capped) else None)
        for place in reversed(places):
            self._cap(place)

    def _cap(self, place: Place) -> None:
        node = place.node
        assert isinstance(node, Capped)
        limit = node.limit.within(self.budget, self.rest() if node.limit.rest else 0)
        root = Place(bare(*node.children), place.parent)
        root.slot = None
        root.hi, root.lo, root.priority = place.hi, place.lo, place.priority
        layout = lay_out_under(root, chat=node.content == "messages")
        leaves = leaves_of(place)
        for mine, theirs in zip(leaves, layout.leaves, strict=True):  # inner caps have narrowed them
            if (mine.hi, mine.lo) != (theirs.hi, theirs.lo):
                layout.level_out(theirs)
                theirs.hi, theirs.lo = mine.hi, mine.lo
                layout.level_in(theirs)
        inner = Search(layout, self.job, limit)
        fitted = inner.settle(limit)
        for mine, theirs in zip(leaves, layout.leaves, strict=True):
            self.layout.level_out(mine)
            if not fitted or (theirs.hi < inner.level and not theirs.shown):
                mine.hi = mine.lo = NEVER
            elif theirs.lo < inner.level:
                mine.lo = NEVER
            self.layout.level_in(mine)


def _too_long(leaves: list[Leaf], room: int, most: int, tally: Tally) -> bool:
    """Tell whether texts are too long for so many tokens of at most so many characters, without encoding them."""
    if min([leaf.weight for leaf in leaves]) >= 0:  # all were counted before
        return sum(map(tally.tokens_of, leaves)) > room + _SEAMS
    if sum([len(leaf.text) for leaf in leaves]) > room * most:
        return True
    return sum([len(leaf.text.split()) for leaf in leaves if len(leaf.text) > room]) > room


def _outermost(leaf: Leaf, level: float) -> Place | None:
    """Return the outermost scope that comes at a level together with a leaf in it; the choice where it is one of."""
    place: Place | None = leaf.place
    top: Place | None = None
    while place is not None and place.hi <= level:
        top = place
        place = place.parent
    if top is None:
        return None
    return top.choice or top


def _top(leaf: Leaf, level: float) -> Place | Leaf:
    """Return what is refused with a leaf that comes at a level and does not fit."""
    return _outermost(leaf, level) or (leaf.place if leaf.line >= 0 else leaf)


def _choice(leaf: Leaf, level: float) -> Place | None:
    """Return the choice in which a leaf gives way to a fuller version at a level."""
    place: Place | None = leaf.place
    top: Place | None = None
    while place is not None and place.lo >= level:
        top = place
        place = place.parent
    return top.choice if top is not None else None


def _within(top: Place | Leaf, refused: set[Place | Leaf]) -> bool:
    """Tell whether something stands in a refused place, or is refused."""
    if isinstance(top, Leaf):
        if top in refused:
            return True
        top = top.place
    at: Place | None = top
    while at is not None:
        if at in refused:
            return True
        at = at.parent
    return False
