"""Make a pack: as the one before began, if that is still worth it, else from the beginning."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from operator import eq
from typing import TYPE_CHECKING

from kibitz.indexer import git
from kibitz.indexer.errors import NotIndexedError, WorkspaceError
from kibitz.indexer.workspace import survey
from kibitz.prompts.errors import BudgetError
from kibitz.prompts.render import render
from kibitz.prompts.rendered import Rendered
from kibitz.server.pack import state
from kibitz.server.pack.afresh import MOST_BYTES_PER_TOKEN, afresh
from kibitz.server.pack.again import again
from kibitz.server.pack.counting import Remembering
from kibitz.server.pack.files import Files
from kibitz.server.pack.plan import Material, Plan
from kibitz.server.pack.ranking import Ranked, by_centrality, by_question
from kibitz.server.pack.state import State

if TYPE_CHECKING:
    from kibitz.indexer.search import Searcher
    from kibitz.prompts.tokens import Tokenizer
    from kibitz.server.app import App

_SLACK = 32  # one part of so many of the budget stays free at first, for what changes later
_TOKENS_PER_HIT = 400  # of the budget: how many hits are asked for
_HITS = (20, 500)

Report = Callable[[str, int, int], None]
"""Is told a phase, how much of it is done, and of how much (0: not known)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a pack is to be.

    Attributes:
        budget: the most tokens.
        question: what it is for; "" for the whole repository.
        fresh: whether it need not begin as the one before.
        without: a path that does not belong in it: the file that it is written to.
    """

    budget: int
    question: str = ""
    fresh: bool = False
    without: str = ""


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack, and how it came about.

    Attributes:
        text: the prompt.
        tokens: what it takes.
        state: what it holds.
        shared_tokens: how much of it is the beginning of the pack before; None when there was none.
        left_out: the files that a rule leaves out, by the rule.
    """

    text: str
    tokens: int
    state: State
    shared_tokens: int | None
    left_out: Mapping[str, int]


def make_pack(app: "App", wanted: Wanted, tokenizer: "Tokenizer", report: Report) -> Pack:
    """Pack the app's workspace.

    Raises:
        WorkspaceError: there is nothing to pack.
        BudgetError: not one file fits the budget.
    """
    report("survey", 0, 0)
    found = survey(app.root, app.rules)
    paths = [one.path for one in found.files if one.path != wanted.without]
    material = _material(app, wanted, Remembering(tokenizer), paths, report)
    if not material.files.ids:
        raise WorkspaceError(f"There is nothing to pack in {app.root}.")
    before = state.load(state.place(app.config.cache_dir, app.root, wanted.question))
    report("render", 0, 1)
    made = _again(material, before) if before and not wanted.fresh else None
    if made is None:
        made = _fresh(afresh(material, app.root.name, _searcher(app)), material)
    rendered, now = made
    left_out = Counter(one.rule.partition(":")[0] for one in found.skipped) + Counter(material.files.left_out.values())
    shared = None if before is None else _shared(before, now, material.tokenizer)
    return Pack(rendered.text or "", rendered.tokens, now, shared, left_out)


def _searcher(app: "App") -> "Searcher | None":
    try:
        return app.searcher()
    except NotIndexedError:
        return None


def _material(app: "App", wanted: Wanted, tokenizer: Remembering, paths: Sequence[str], report: Report) -> Material:
    """Rank the files and read them."""
    searcher = _searcher(app)
    everything, admitted = by_centrality(paths, searcher), set(paths)
    ranked = everything
    if wanted.question:
        most = min(max(wanted.budget // _TOKENS_PER_HIT, _HITS[0]), _HITS[1])
        found = by_question(app.search_now(wanted.question, most).hits)
        # An index may be older than the rule that leaves a file out now.
        ranked = Ranked(tuple(path for path in found.paths if path in admitted), found.found)
    committed = git.committed(app.root)
    files = Files.read(
        app.root,
        list(dict.fromkeys((*ranked.paths, *everything.paths))),
        committed,
        keep_bytes=wanted.budget * MOST_BYTES_PER_TOKEN,
        max_bytes=app.rules.max_bytes,
        report=lambda done, total: report("read", done, total),
    )
    there = tuple(path for path in ranked.paths if path in files.ids)
    return Material(wanted.budget, wanted.question, tokenizer, files, Ranked(there, ranked.found), committed)


def _again(material: Material, before: State) -> tuple[Rendered, State] | None:
    """The pack that begins as the one before; None when it would not hold all that it should."""
    plan = again(material, before)
    if plan is None:
        return None
    try:
        rendered, now = _rendered(plan, material, material.budget)
    except BudgetError:
        return None
    return (rendered, now) if len(now.segments) == len(plan.files) + len(plan.changed) else None


def _fresh(plan: Plan, material: Material) -> tuple[Rendered, State]:
    """A pack from the beginning, with room for what changes later.

    Raises:
        BudgetError: not one file fits.
    """
    sentence = f"Not one file fits {material.budget:,} tokens: give a larger budget."
    try:
        rendered, now = _rendered(plan, material, material.budget - material.budget // _SLACK)
    except BudgetError as error:
        raise BudgetError(sentence) from error
    if not now.segments:
        raise BudgetError(sentence)
    return rendered, now


def _rendered(plan: Plan, material: Material, budget: int) -> tuple[Rendered, State]:
    rendered = render(plan.tree(material.question), budget_tokens=budget, tokenizer=material.tokenizer)
    return rendered, plan.state(rendered, material)


def _shared(before: State, now: State, tokenizer: Remembering) -> int:
    """How many tokens the beginnings have in common, by whole files."""
    if before.front != now.front:
        return 0
    pairs = zip(before.segments, now.segments, strict=False)
    same = takewhile(lambda pair: eq(*pair), pairs)
    return tokenizer.count(now.front) + sum(one.tokens for one, _ in same)
