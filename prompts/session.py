"""A renderer that remembers: the next prompt costs what has changed, and keeps the front of the one before.

A provider's prefix cache is hit as far as a prompt begins like an earlier one, and one scope that comes or goes near
the front spoils all that follows. So a *steady* renderer leaves what it showed where it is while the prompt fits, lets
in only what is at or above the cutoff, and when it must cut it cuts so much at once that the next prompts fit as well
(prompt-poet does this for chat turns). How much is learned from how fast prompts grow: typing needs a few tokens, a
chat some turns.
"""

from dataclasses import replace

from kibitz.prompts.begin import begin, job_of
from kibitz.prompts.chat_template import ChatTemplate
from kibitz.prompts.follow import follow
from kibitz.prompts.layout import NEVER
from kibitz.prompts.render import finish, too_big
from kibitz.prompts.rendered import Account, Rendered
from kibitz.prompts.solve import Mode, Search
from kibitz.prompts.tokens import Tokenizer
from kibitz.prompts.tree import Node

# A cut makes room for so many prompts that grow as the last ones did, and for at least and at most these shares.
_AHEAD = 16
_LEAST_ROOM, _MOST_ROOM = 0.02, 0.4
# Growth is averaged over about so many prompts.
_MEMORY = 4
# What may stay empty is so many times the room that a cut would make now; beyond that the prompt is filled again.
_EMPTY = 2.5


class Renderer:
    """Renders the trees of one conversation or document, one after the other; not to be used by two threads at once.

    Without `steady` a prompt is the one that `render` makes of its tree. With it, what was shown stays while it fits:
    fewer tokens change, and the cutoff may for a while be higher than a fresh rendering's. `tokens <= budget` always.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        template: ChatTemplate | None = None,
        mode: Mode = "pack",
        steady: bool = False,
    ) -> None:
        self._job = job_of(tokenizer, template, mode)
        self._steady = steady
        self._search: Search | None = None
        self._last: Rendered | None = None
        self._growth = 0.0

    def render(self, tree: Node, *, budget_tokens: int) -> Rendered:
        """Render the next tree.

        Raises:
            TreeError: the tree is no tree of a prompt.
            BudgetError: what must be shown does not fit; the message names the largest fixed parts.
        """
        search, self._search = self._search, None  # an error on the way leaves nothing half changed
        if search is None or search.layout.relative or search.layout.chat != (tree.content == "messages"):
            search = begin(tree, budget_tokens, self._job)
            fits = search.settle(budget_tokens)
        elif self._steady:
            fits = self._go_on(search, tree, budget_tokens)
        else:
            search.put_back()
            follow(search, tree)
            fits = search.settle(budget_tokens)
        if not fits:
            self._last = None
            raise too_big(search.layout, budget_tokens, self._job)
        self._search = search
        rendered = finish(search, tree, budget_tokens, self._last)
        self._last = replace(rendered, account=Account())  # what it tells of the one before it would keep that one
        return rendered

    def _go_on(self, search: Search, tree: Node, budget: int) -> bool:
        """Show what was shown and what is new; cut where that is too much, fill where little is left."""
        before = search.tally.size()
        if search.level <= -search.layout.levels[-1]:
            search.level = NEVER  # nothing is left out: what is new comes in, however low
        search.put_back(swaps=True)
        follow(search, tree, keep=True)
        size = search.tally.size()
        grown = max(0, size - before)
        self._growth += (grown - self._growth) / _MEMORY if self._growth else grown
        room = min(max(self._growth * _AHEAD, budget * _LEAST_ROOM), budget * _MOST_ROOM)
        fits = search.fits(budget)
        if fits and (size >= budget - room * _EMPTY or search.all_shown()):
            return True
        search.let_go()
        if fits:
            return search.settle(budget)
        return search.settle(int(budget - room), pack=False) or search.settle(budget)
