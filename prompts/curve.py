"""The budget curve: what every budget would show, in one pass over the levels that encodes each text once.

A budget settles at the lowest cutoff whose size it holds. So a cutoff is *settled at* by some budget exactly when no
lower one is as small, and along these the size rises as the cutoff falls: a text with the interval lo < cutoff <= hi is
shown by the budgets of one interval, too.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from kibitz.prompts.begin import begin, job_of
from kibitz.prompts.chat_template import ChatTemplate
from kibitz.prompts.layout import NEVER, Layout, lay_out
from kibitz.prompts.rendered import PartReport
from kibitz.prompts.solve import Mode, Search
from kibitz.prompts.tokens import Tokenizer
from kibitz.prompts.tree import Isolate, Node

Interval = tuple[float, float]
_NOWHERE: Interval = (NEVER, NEVER)


@dataclass(frozen=True, slots=True)
class Curve:
    """What strict mode shows at every budget.

    `steps` are the sizes, (cutoff, tokens + reserved), of all cutoffs at which the prompt is possible, the cutoff
    falling; `levels` are those at which a budget settles, the size rising. `intervals` hold (lo, hi) for each text of
    the tree, isolates gone into, in order: `PartReport.number` counts them. With `relative`, isolates or capped parts
    have limits that are shares of the budget, and the curve holds for the limits as they are at `budget`.
    """

    steps: tuple[tuple[float, int], ...] = ()
    intervals: tuple[Interval, ...] = field(default=(), repr=False)
    relative: bool = False
    budget: int = 0
    levels: tuple[tuple[float, int], ...] = field(init=False)

    def __post_init__(self) -> None:
        levels: list[tuple[float, int]] = []
        for cutoff, size in reversed(self.steps):
            if not levels or size < levels[-1][1]:
                levels.append((cutoff, size))
        object.__setattr__(self, "levels", tuple(reversed(levels)))

    def cutoff(self, budget: int) -> float | None:
        """Return the cutoff at which strict mode settles within a budget; None where nothing fits."""
        at = bisect_right(self.levels, budget, key=lambda level: level[1])
        return self.levels[at - 1][0] if at else None

    def shown(self, part: PartReport, budget: int) -> bool:
        """Tell whether strict mode shows a part of the same tree within a budget."""
        cutoff = self.cutoff(budget)
        lo, hi = self._interval(part)
        return cutoff is not None and lo < cutoff <= hi

    def enters(self, part: PartReport) -> int | None:
        """Return the least budget at which strict mode shows a part of the same tree; None when no budget does."""
        return self.stay(part)[0]

    def stay(self, part: PartReport) -> tuple[int | None, int | None]:
        """Return the least budget that shows a part, and the least above it that no longer does; None: there is none.

        A fuller alternative, or the line that a marker stood for, takes a part's place at larger budgets.
        """
        lo, hi = self._interval(part)
        first = self._at_or_below(hi)
        last = self._at_or_below(lo)
        if first >= last:
            return None, None
        return self.levels[first][1], self.levels[last][1] if last < len(self.levels) else None

    def _interval(self, part: PartReport) -> Interval:
        return self.intervals[part.number] if 0 <= part.number < len(self.intervals) else _NOWHERE

    def _at_or_below(self, priority: float) -> int:
        """Return the number of the first level whose cutoff is at or below a priority."""
        return bisect_left(self.levels, -priority, key=lambda level: -level[0])


def curve(
    tree: Node,
    tokenizer: Tokenizer,
    template: ChatTemplate | None = None,
    *,
    mode: Mode = "strict",
    budget_tokens: int | None = None,
) -> Curve:
    """Find what every budget would show of a tree.

    Args:
        tree: of a prompt.
        tokenizer: counts its texts.
        template: of the chat format, as in `render`.
        mode: how isolates and capped parts fill their own limits; the prompt itself is cut as in strict mode.
        budget_tokens: what limits relative to the budget are taken of; without it, of all that is there.

    Raises:
        TreeError: it is no tree of a prompt.
    """
    budget = _ENDLESS if budget_tokens is None else budget_tokens
    return curve_of(begin(tree, budget, job_of(tokenizer, template, mode)))


# More than any prompt has.
_ENDLESS = 1 << 40


def curve_of(search: Search) -> Curve:
    """Walk down all levels of a search that stands at the top. Every text is encoded once."""
    layout, tally = search.layout, search.tally
    steps: list[tuple[float, int]] = []
    for at in range(bisect_left(layout.levels, -search.level), len(layout.levels)):
        level = -layout.levels[at]
        if level < search.level:
            tally.drop(layout.goes.get(level, ()))
            tally.add(layout.comes.get(level, ()))
        if not tally.impossible:
            steps.append((level, tally.size()))
    return Curve(tuple(steps), tuple(_intervals(search)), layout.relative, search.budget)


def _intervals(search: Search) -> Iterator[Interval]:
    """Yield each text's interval; a text in an isolate has that of the isolate if the isolate's limit lets it in."""
    for leaf in search.layout.leaves:
        if not isinstance(leaf.node, Isolate):
            if leaf.text:
                yield leaf.lo, leaf.hi
            continue
        inner = search.inner.get(leaf.node)
        if inner is None:
            yield from (_NOWHERE for _ in range(count_texts(isolated(leaf.node))))
            continue
        for shown in _shown(inner):
            yield (leaf.lo, leaf.hi) if shown else _NOWHERE


def _shown(search: Search) -> Iterator[bool]:
    """Yield for each text of a settled search whether it is shown."""
    for leaf in search.layout.leaves:
        if not isinstance(leaf.node, Isolate):
            if leaf.text:
                yield leaf.shown
            continue
        inner = search.inner.get(leaf.node)
        if inner is None or not leaf.shown:
            yield from (False for _ in range(count_texts(isolated(leaf.node))))
        else:
            yield from _shown(inner)


def isolated(node: Isolate) -> Layout:
    """Lay out what an isolate holds."""
    return lay_out(*node.children, chat=node.content == "messages")


def count_texts(layout: Layout) -> int:
    """Count the texts of a layout, isolates gone into."""
    return sum(
        count_texts(isolated(leaf.node)) if isinstance(leaf.node, Isolate) else bool(leaf.text)
        for leaf in layout.leaves
    )
