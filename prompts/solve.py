"""The search: which leaves of a layout are shown within a budget.

Strict mode finds the lowest cutoff whose prompt fits. Fill mode goes on from there: of the next lower level it adds
each scope, in document order, that still fits. No scope is ever left out for one of a lower priority.

The walk goes down the levels from the top and stops once the prompt is over the budget, so only texts that can matter
are encoded, each once. Every size compared is the exact size of the joined text (tally.py), and what is returned was
encoded whole once more.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal

from kibitz.prompts.chat_template import ChatTemplate
from kibitz.prompts.layout import NEVER, Layout, lay_out
from kibitz.prompts.nodes import Isolate, Node
from kibitz.prompts.rendered import RenderedMessage
from kibitz.prompts.tally import Fixed, Tally
from kibitz.prompts.tokens import Tokenizer

Mode = Literal["strict", "fill"]

# In fill mode, how many scopes in a row may turn out too big for the room that is left before looking ends.
_MISSES = 100


@dataclass(frozen=True, slots=True)
class Job:
    """What stays the same through one rendering, isolates included."""

    tokenizer: Tokenizer
    template: ChatTemplate
    mode: Mode


class Solved:
    """A layout with the leaves that are shown, its exact sizes, and the isolates inside."""

    def __init__(self, layout: Layout, job: Job) -> None:
        self.layout = layout
        self.job = job
        self.inner: dict[Isolate, Solved | None] = {}
        self.tally = Tally(layout, job.tokenizer, job.template, self._fix)
        self.cutoff = layout.levels[0]
        self.steps: list[tuple[float, int]] = []
        self.messages: list[RenderedMessage] = []
        self.tokens = 0
        self.reached = -1  # the level that the selection stands at
        self.place: dict[int, int] = {}  # slot -> number of its (first) message
        self._blocks = {
            leaf.slot: number
            for number, leaf in enumerate(layout.leaves)
            if leaf.isolate and leaf.isolate.content == "messages"
        }

    def block(self, slot: int) -> "Solved | None":
        """Return the isolate whose messages take a slot, if it is shown."""
        number = self._blocks.get(slot)
        if number is None or number not in self.tally.selected:
            return None
        isolate = self.layout.leaves[number].isolate
        return self.inner[isolate] if isolate else None

    def _fix(self, isolate: Isolate) -> Fixed | None:
        """Render an isolate to its own limit."""
        template = self.job.template
        inner = ChatTemplate(template.name, template.message_tokens, 0, 0, template.role_tokens)
        job = Job(self.job.tokenizer, inner, self.job.mode)
        layout = lay_out(_Bare(isolate.children, isolate.content), chat=isolate.content == "messages")
        solved = solve(layout, isolate.limit, job)
        self.inner[isolate] = solved
        if solved is None:
            return None
        if layout.chat:
            return Fixed("", solved.tokens, solved.tally.reserved)
        return Fixed(solved.messages[0].content, 0, solved.tally.reserved)


class _Bare(Node):
    """The children of an isolate, without it."""


@dataclass(slots=True, eq=False)
class _Changes:
    """The leaves that come and go when the cutoff falls to a level."""

    add: list[int] = field(default_factory=list)
    drop: list[int] = field(default_factory=list)


def _changes(layout: Layout) -> dict[float, _Changes]:
    changes: dict[float, _Changes] = defaultdict(_Changes)
    for number, leaf in enumerate(layout.leaves):
        if leaf.lo < leaf.hi:
            changes[leaf.hi].add.append(number)
            if leaf.lo > NEVER:
                changes[leaf.lo].drop.append(number)
    return changes


def _apply(tally: Tally, change: _Changes, *, undo: bool = False) -> None:
    """Change the selection to the next lower level's, or back."""
    drop, add = (change.add, change.drop) if undo else (change.drop, change.add)
    for leaf in drop:
        tally.drop(leaf)
    for leaf in add:
        tally.add(leaf)


def solve(layout: Layout, budget: int, job: Job) -> Solved | None:
    """Find what is shown; None when nothing fits."""
    solved = Solved(layout, job)
    changes = _changes(layout)
    fitting = _walk(solved, changes, budget)
    while fitting:
        number = fitting.pop()
        _rewind(solved, changes, number)
        units: list[_Changes] = []
        if job.mode == "fill" and number + 1 < len(layout.levels):
            units = _fill(solved, changes[layout.levels[number + 1]], layout.levels[number + 1], budget)
        while not _verified(solved, budget) and units:
            _apply(solved.tally, units.pop(), undo=True)
        if solved.tokens + solved.tally.reserved <= budget:
            solved.cutoff = layout.levels[number]
            return solved
        for unit in reversed(units):
            _apply(solved.tally, unit, undo=True)
    return None


def _walk(solved: Solved, changes: dict[float, _Changes], budget: int) -> list[int]:
    """Lower the cutoff level by level while a fit is possible; return the numbers of the levels that fit."""
    leaves, tally = solved.layout.leaves, solved.tally
    fitting: list[int] = []
    margin = 64 + budget // 16
    passing = 0  # what the shown alternatives weigh: they may vanish again
    stuck = False
    for number, level in enumerate(solved.layout.levels):
        change = changes.get(level)
        if change:
            _apply(tally, change)
            passing += sum(tally.weight(leaf) for leaf in change.add if leaves[leaf].lo > NEVER)
            passing -= sum(tally.weight(leaf) for leaf in change.drop)
            stuck = stuck or any(
                leaves[leaf].isolate and leaves[leaf].lo == NEVER and tally.fixed(leaf) is None for leaf in change.add
            )
        size = tally.size()
        if not tally.impossible:
            solved.steps.append((level, size))
            if size <= budget:
                fitting.append(number)
        if stuck or size - passing > budget + margin:
            break
    solved.reached = number
    return fitting


def _rewind(solved: Solved, changes: dict[float, _Changes], number: int) -> None:
    """Raise the cutoff back to a level."""
    while solved.reached > number:
        change = changes.get(solved.layout.levels[solved.reached])
        if change:
            _apply(solved.tally, change, undo=True)
        solved.reached -= 1


def _fill(solved: Solved, change: _Changes, level: float, budget: int) -> list[_Changes]:
    """Add the scopes of the next lower level, in order, that still fit.

    A unit is the outermost scope that comes in at this level with everything in it, or the swap of one alternative
    of a `first` for a fuller one.
    """
    tally, misses = solved.tally, 0
    taken: list[_Changes] = []
    for unit in _units(solved.layout, change, level):
        if misses >= _MISSES or tally.size() >= budget:
            break
        _apply(tally, unit)
        if tally.size() <= budget and not tally.impossible:
            taken.append(unit)
            misses = 0
        else:
            _apply(tally, unit, undo=True)
            misses += 1
    return taken


def _units(layout: Layout, change: _Changes, level: float) -> list[_Changes]:
    rows = layout.rows
    outermost: dict[tuple[int, bool], tuple[str, int]] = {}

    def unit_of(row: int, comes: bool) -> tuple[str, int]:
        """Climb to the outermost scope whose interval begins (or ends) at this level; remember the way."""
        way = [row]
        while (top := outermost.get((way[-1], comes))) is None:
            parent = rows[way[-1]].parent
            if parent < 0 or (rows[parent].hi > level if comes else rows[parent].lo < level):
                choice = rows[way[-1]].choice
                top = ("first", choice) if choice >= 0 else ("scope", way[-1])
                break
            way.append(parent)
        outermost.update(((step, comes), top) for step in way)
        return top

    units: dict[tuple[str, int], _Changes] = defaultdict(_Changes)
    for number in change.add:
        units[unit_of(layout.leaves[number].row, True)].add.append(number)
    for number in change.drop:
        units[unit_of(layout.leaves[number].row, False)].drop.append(number)
    return sorted((unit for unit in units.values() if unit.add), key=lambda unit: unit.add[0])


def _verified(solved: Solved, budget: int) -> bool:
    """Join the selection, encode it whole and take that as the size; tell whether it fits."""
    layout, tally, job = solved.layout, solved.tally, solved.job
    solved.messages = []
    tokens = job.template.start + job.template.reply_tokens if layout.chat else 0
    solved.place = {}
    for slot, role in enumerate(layout.roles):
        content = "".join(map(tally.text, tally.shown(slot)))
        inner = solved.block(slot)
        solved.place[slot] = len(solved.messages)
        if inner:
            solved.messages.extend(inner.messages)
            tokens += inner.tokens
        elif content or not layout.chat:  # a message with nothing in it vanishes
            solved.messages.append(RenderedMessage(role, content))
            tokens += job.tokenizer.count(content) + (job.template.around(role) if layout.chat else 0)
    solved.tokens = tokens
    return tokens + tally.reserved <= budget
