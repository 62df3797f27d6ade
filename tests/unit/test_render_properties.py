"""The renderer against an evaluator that tries every cutoff on the tree itself."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.prompts.chat_template import OPENAI
from kibitz.prompts.errors import BudgetError
from kibitz.prompts.estimate import EstimatedTokenizer
from kibitz.prompts.nodes import (
    TOP,
    First,
    Isolate,
    Message,
    Node,
    Reserve,
    Scope,
    Text,
    capped,
    first,
    fragment,
    isolate,
    reserve,
    scope,
    system,
    user,
)
from kibitz.prompts.render import Rendered, render
from kibitz.prompts.tokens import TiktokenTokenizer, Tokenizer


class Letters:
    """A token is a run of one letter: joining texts often makes a prompt smaller than its parts."""

    name = "letters"
    exact = True

    def count(self, text: str) -> int:
        return sum(1 for n, letter in enumerate(text) if n == 0 or text[n - 1] != letter)

    def encode(self, text: str) -> list[int]:
        return [ord(letter) for n, letter in enumerate(text) if n == 0 or text[n - 1] != letter]

    def decode(self, ids: list[int]) -> str:
        return "".join(map(chr, ids))


@dataclass
class Try:
    """One cutoff's prompt, as the evaluator sees it."""

    messages: list[tuple[str, str]]
    text: str
    reserved: int
    possible: bool = True

    def tokens(self, tokenizer: Tokenizer, *, chat: bool, opening: int) -> int:
        if not chat:
            return tokenizer.count(self.text)
        return sum(tokenizer.count(text) + OPENAI.around(role) for role, text in self.messages) + opening


def priority_of(node: Node, around: float) -> float:
    if not isinstance(node, Scope):
        return around
    return node.p if node.p is not None else min(TOP, around + (node.prel or 0))


def levels_of(node: Node, around: float = TOP) -> set[float]:
    if isinstance(node, Isolate):
        return set()
    own = priority_of(node, around)
    return {own}.union(*(levels_of(child, own) for child in node.children))


def show(node: Node, cutoff: float, around: float, tokenizer: Tokenizer, out: Try) -> None:
    if isinstance(node, Text):
        out.text += node.text
    elif isinstance(node, Reserve):
        out.reserved += node.tokens
    elif isinstance(node, Isolate):
        inner = exhaustive(fragment(*node.children), node.limit.tokens, tokenizer, opening=0)
        if inner is None:
            out.possible = False
        else:
            out.text += inner[1].text
            out.messages += inner[1].messages
            out.reserved += inner[1].reserved
    elif isinstance(node, Message):
        inside = Try([], "", 0)
        for child in node.children:
            show(child, cutoff, around, tokenizer, inside)
        out.messages += [(node.role, inside.text)] if inside.text else []
        out.reserved += inside.reserved
        out.possible = out.possible and inside.possible
    elif isinstance(node, First):
        for child in [child for child in node.children if priority_of(child, around) >= cutoff][:1]:
            show(child, cutoff, around, tokenizer, out)
    elif (own := priority_of(node, around)) >= cutoff:
        for child in node.children:
            show(child, cutoff, own, tokenizer, out)


def exhaustive(tree: Node, budget: int, tokenizer: Tokenizer, opening: int = 3) -> tuple[float, Try] | None:
    for cutoff in sorted(levels_of(tree) | {TOP}):
        out = Try([], "", 0)
        show(tree, cutoff, TOP, tokenizer, out)
        size = out.tokens(tokenizer, chat=tree.content == "messages", opening=opening) + out.reserved
        if out.possible and size <= budget:
            return cutoff, out
    return None


def what(rendered: Rendered) -> tuple[list[tuple[str, str]], str]:
    return [(m.role, m.content) for m in rendered.messages or ()], rendered.text or ""


WORDS = st.sampled_from(
    [
        "a",
        "aa",
        "b",
        "ab",
        "\n",
        "\n\n",
        "x = 1\n",
        "    return x\n",
        "/path\n",
        "  \n",
        "foo(",
        ");\n",
        "é",
        "12",
        "345\n",
    ]
)
TEXTS = st.lists(WORDS, max_size=4).map("".join)
PRIORITIES: st.SearchStrategy[dict[str, int]] = st.one_of(
    st.fixed_dictionaries({"p": st.integers(-3, 6)}),
    st.fixed_dictionaries({"prel": st.integers(-3, 2)}),
    st.just({}),
)


def scopes(children: st.SearchStrategy[Node | str]) -> st.SearchStrategy[Node]:
    return st.builds(lambda inside, kind: scope(*inside, **kind), st.lists(children, max_size=3), PRIORITIES)


def wider(children: st.SearchStrategy[Node | str]) -> st.SearchStrategy[Node | str]:
    return st.one_of(
        scopes(children),
        st.lists(scopes(children), max_size=3).map(lambda inside: first(*inside)),
        st.builds(
            lambda inside, limit: isolate(*inside, limit=limit), st.lists(children, max_size=3), st.integers(0, 8)
        ),
        st.lists(children, max_size=3).map(lambda inside: fragment(*inside)),
    )


TEXT_TREES = st.recursive(st.one_of(TEXTS, st.integers(0, 3).map(reserve)), wider, max_leaves=12).map(fragment)
MESSAGES = st.builds(lambda make, inside: make(inside), st.sampled_from([system, user]), TEXT_TREES)
CHAT_TREES = st.recursive(st.one_of(MESSAGES, st.integers(0, 3).map(reserve)), wider, max_leaves=6).map(fragment)
TREES = st.one_of(TEXT_TREES, CHAT_TREES)
TOKENIZERS = st.sampled_from([Letters(), TiktokenTokenizer("o200k_base"), TiktokenTokenizer("cl100k_base")])


@settings(max_examples=300, deadline=None)
@given(TREES, st.integers(0, 40), TOKENIZERS)
def test_strict_mode_finds_what_trying_every_cutoff_finds(tree: Node, budget: int, tokenizer: Tokenizer) -> None:
    best = exhaustive(tree, budget, tokenizer)
    if best is None:
        with pytest.raises(BudgetError):
            render(tree, budget_tokens=budget, tokenizer=tokenizer, mode="strict")
        return
    got = render(tree, budget_tokens=budget, tokenizer=tokenizer, mode="strict")
    assert what(got) == (best[1].messages, best[1].text)
    assert got.reserved == best[1].reserved
    at_cutoff = Try([], "", 0)
    show(tree, got.cutoff, TOP, tokenizer, at_cutoff)
    assert what(got) == (at_cutoff.messages, at_cutoff.text)
    assert got.tokens == best[1].tokens(tokenizer, chat=tree.content == "messages", opening=3)


@settings(max_examples=150, deadline=None)
@given(TREES, st.integers(0, 40), TOKENIZERS)
def test_fill_mode_is_never_over_and_never_shows_less_than_strict(
    tree: Node, budget: int, tokenizer: Tokenizer
) -> None:
    try:
        strict = render(tree, budget_tokens=budget, tokenizer=tokenizer, mode="strict")
    except BudgetError:
        return
    filled = render(tree, budget_tokens=budget, tokenizer=tokenizer, mode="pack")
    sent = Try([(m.role, m.content) for m in filled.messages or ()], filled.text or "", 0)
    assert filled.tokens == sent.tokens(tokenizer, chat=tree.content == "messages", opening=3)
    assert filled.tokens + filled.reserved <= budget
    assert filled.cutoff == strict.cutoff
    if not any(isinstance(node, First) for node in walk(tree)) and not holds_isolate(tree):
        assert [p.text for p in strict.parts if p.shown] == [
            p.text for p in filled.parts if p.shown and p.priority >= filled.cutoff
        ]


def walk(node: Node) -> list[Node]:
    return [node, *(inner for child in node.children for inner in walk(child))]


def holds_isolate(tree: Node) -> bool:
    return any(isinstance(node, Isolate) for node in walk(tree))


@settings(max_examples=150, deadline=None)
@given(TREES, st.integers(0, 60), st.sampled_from(["strict", "pack"]))
def test_every_shown_part_stands_where_its_report_says(tree: Node, budget: int, mode: str) -> None:
    tokenizer = TiktokenTokenizer("o200k_base")
    try:
        got = render(tree, budget_tokens=budget, tokenizer=tokenizer, mode="pack" if mode == "pack" else "strict")
    except BudgetError:
        return
    covered: dict[int | None, str] = {}
    for part in got.parts:
        if part.shown:
            content = got.text if part.message is None else (got.messages or ())[part.message].content
            assert content is not None
            assert content[part.start : part.end] == part.text
            assert part.start == len(covered.get(part.message, ""))
            covered[part.message] = covered.get(part.message, "") + part.text
    everything = [m.content for m in got.messages] if got.messages is not None else [got.text]
    assert [text for text in everything if text] == [covered[key] for key in sorted(covered, key=lambda k: k or 0)]


@settings(max_examples=80, deadline=None)
@given(TREES, st.integers(0, 60))
def test_an_estimate_is_kept_to_as_strictly(tree: Node, budget: int) -> None:
    tokenizer = EstimatedTokenizer()
    try:
        got = render(tree, budget_tokens=budget, tokenizer=tokenizer, template=OPENAI)
    except BudgetError:
        return
    sent = Try([(m.role, m.content) for m in got.messages or ()], got.text or "", 0)
    assert got.tokens == sent.tokens(tokenizer, chat=tree.content == "messages", opening=3) <= budget


ENCODINGS = st.sampled_from(["o200k_base", "cl100k_base"])
SEAMS = st.text(alphabet="aB1 .;/\n\r\t'sé中\u2028\x85\x1c", max_size=8)


@settings(max_examples=600, deadline=None)
@given(SEAMS, st.one_of(SEAMS, SEAMS.map(lambda text: text + "\n")), SEAMS, SEAMS, ENCODINGS)
def test_where_a_seam_is_called_additive_the_counts_add_up(
    before: str, left: str, right: str, after: str, encoding: str
) -> None:
    tokenizer = TiktokenTokenizer(encoding)
    left, right = before + left, right + after
    if tokenizer.additive(left, right):
        assert tokenizer.encode(left) + tokenizer.encode(right) == tokenizer.encode(left + right)


FLAT = st.lists(
    st.tuples(st.integers(0, 4), st.lists(WORDS, min_size=1, max_size=5).map("".join)), min_size=1, max_size=12
)


@settings(max_examples=200, deadline=None)
@given(FLAT, st.integers(0, 40), ENCODINGS)
def test_packing_is_never_below_filling_greedily(scopes_of: list[tuple[int, str]], budget: int, encoding: str) -> None:
    tokenizer = TiktokenTokenizer(encoding)
    shown: set[int] = set()
    for number in sorted(range(len(scopes_of)), key=lambda n: -scopes_of[n][0]):
        tried = sorted(shown | {number})
        if tokenizer.count("".join(scopes_of[n][1] for n in tried)) <= budget:
            shown.add(number)
    greedy = "".join(scopes_of[n][1] for n in sorted(shown))
    tree = fragment(scope(text, p=priority) for priority, text in scopes_of)
    packed = render(tree, budget_tokens=budget, tokenizer=tokenizer)
    assert packed.tokens >= tokenizer.count(greedy) or len(packed.text or "") >= len(greedy)
    value = render(tree, budget_tokens=budget, tokenizer=tokenizer, mode="value")
    strict = render(tree, budget_tokens=budget, tokenizer=tokenizer, mode="strict")
    assert value.tokens <= budget
    for mode in (packed, value):
        assert [p.text for p in strict.parts if p.shown] == [
            p.text for p in mode.parts if p.shown and p.priority >= strict.cutoff
        ]


@settings(max_examples=200, deadline=None)
@given(TEXT_TREES, st.integers(0, 30), st.integers(0, 10))
def test_more_budget_never_drops_what_strict_mode_showed(tree: Node, budget: int, more: int) -> None:
    if holds_isolate(tree) or any(isinstance(node, First) for node in walk(tree)):
        return
    tokenizer = TiktokenTokenizer("o200k_base")
    try:
        small = render(tree, budget_tokens=budget, tokenizer=tokenizer, mode="strict")
    except BudgetError:
        return
    large = render(tree, budget_tokens=budget + more, tokenizer=tokenizer, mode="strict")
    assert all(after.shown for before, after in zip(small.parts, large.parts, strict=True) if before.shown)


@settings(max_examples=200, deadline=None)
@given(TREES, st.integers(0, 12), st.integers(0, 40), st.sampled_from(["strict", "pack", "value"]))
def test_a_capped_part_never_takes_more_than_its_limit(tree: Node, limit: int, budget: int, mode: str) -> None:
    tokenizer = TiktokenTokenizer("o200k_base")
    inner = capped(tree, limit=limit)
    whole = fragment(inner, scope("x = 1\n", p=1) if tree.content != "messages" else scope(user("x"), p=1))
    try:
        got = render(whole, budget_tokens=budget, tokenizer=tokenizer, mode=mode)  # type: ignore[arg-type]
    except BudgetError:
        return
    assert got.tokens + got.reserved <= budget
    if got.messages is not None:
        last = got.messages[-1] if got.messages and got.messages[-1].content == "x" else None
        mine = [m for m in got.messages if m is not last]
        assert sum(tokenizer.count(m.content) + OPENAI.around(m.role) for m in mine) <= limit
    elif got.text is not None:
        assert tokenizer.count(got.text.removesuffix("x = 1\n")) <= limit or tokenizer.count(got.text) <= limit + 4


@settings(max_examples=100, deadline=None)
@given(TREES)
def test_the_steps_are_the_sizes_that_each_cutoff_has(tree: Node) -> None:
    tokenizer = TiktokenTokenizer("o200k_base")
    try:
        got = render(tree, budget_tokens=500, tokenizer=tokenizer, mode="strict")
    except BudgetError:
        return
    for cutoff, size in got.steps:
        out = Try([], "", 0)
        show(tree, cutoff, TOP, tokenizer, out)
        assert size == out.tokens(tokenizer, chat=tree.content == "messages", opening=3) + out.reserved
