"""What a prompt shows of each kind of context when room gets short, and what of a conversation stays in place."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.prompts.nodes import Node, fragment, shortened
from kibitz.prompts.render import Mode, Rendered, render
from kibitz.prompts.session import Renderer
from kibitz.prompts.templates.chat import ask_tree
from kibitz.prompts.templates.complete import FAMILIES, fim_tree
from kibitz.prompts.templates.context import (
    Context,
    ContextItem,
    Definition,
    RecentEdit,
    Rules,
    Turn,
    in_order_shown,
)
from kibitz.prompts.tokens import TiktokenTokenizer

O200K = TiktokenTokenizer("o200k_base")


def item(path: str, lines: int) -> ContextItem:
    text = "".join(f"{path[0]}{number} = {number}\n" for number in range(1, lines + 1))
    return ContextItem(f"{path}:1-{lines}", text, f"{path}:1-{lines}", path, 1, lines)


def said(tree: Node, budget: int = 4_000) -> list[str]:
    return [message.content for message in fit(tree, budget).messages or ()]


def fit(tree: Node, budget: int) -> Rendered:
    return render(tree, budget_tokens=budget, tokenizer=O200K)


def completed(context: Context, budget: int, mode: Mode = "pack") -> str:
    prefix = "".join(f"line_{number} = {number}\n" for number in range(400, 0, -1))
    tree = fim_tree(
        FAMILIES["qwen-coder"], prefix=prefix, suffix="", path="a.py", repo="", context=context, reserve_tokens=0
    )
    return render(tree, budget_tokens=budget, tokenizer=O200K, mode=mode).text or ""


# -- completions -------------------------------------------------------------------------------------------------------


def test_each_kind_of_context_comes_in_its_turn_as_room_grows() -> None:
    context = Context(
        items=[item("retrieved.py", 60)],
        definitions=[Definition(item("defined.py", 30), "def signature(): ...\n")],
        edits=[RecentEdit("old.py", 1, 1, "+older\n"), RecentEdit("new.py", 1, 1, "+newer\n")],
        rules=[Rules("AGENTS.md", "Be brief.\n")],
    )
    marks = {
        "near": "line_63 ",
        "newer edit": "+newer",
        "older edit": "+older",
        "rules": "Be brief.",
        "signature": "def signature",
        "head": "r24 = 24",
        "definition": "d30 = 30",
        "whole": "r60 = 60",
        "far": "line_100 ",
    }
    enters: dict[str, int] = {}
    for budget in range(200, 2_600, 10):
        text = completed(context, budget, "strict")
        for name, mark in marks.items():
            if mark in text:
                enters.setdefault(name, budget)
    assert sorted(enters, key=lambda name: (enters[name], list(marks).index(name))) == list(marks)


def test_context_that_changes_least_stands_first() -> None:
    text = completed(
        Context(
            items=[item("best.py", 2), item("next.py", 2)],
            definitions=[Definition(item("defined.py", 2))],
            edits=[RecentEdit("edited.py", 1, 1, "+x\n")],
            rules=[Rules("AGENTS.md", "Be brief.\n")],
        ),
        4_000,
    )
    paths = re.findall(r"<\|file_sep\|>(.*)", text)
    assert paths == ["AGENTS.md", "defined.py", "next.py", "best.py", "edited.py.diff", "a.py"]


def test_rules_are_narrow_and_short_where_code_is_completed() -> None:
    rules = Rules("AGENTS.md", "\n\n".join(f"{number} " + "wide " * 100 for number in range(100)))
    text = completed(Context(rules=[rules]), 8_000)
    shown = text[text.index("AGENTS.md\n") : text.index("<|file_sep|>a.py")].split("\n")[1:-1]
    assert len(shown) == 12
    assert max(map(len, shown)) == 160


def test_a_signature_is_cited_with_its_own_lines() -> None:
    whole = item("defined.py", 200)
    context = Context(definitions=[Definition(whole, "d1 = 1\nd2 = 2\n")])
    tree = fim_tree(FAMILIES["granite"], prefix="x", suffix="", path="a.py", repo="", context=context, reserve_tokens=0)
    small, large = fit(tree, 100), fit(tree, 4_000)
    assert [part.origin for part in small.parts if part.shown and part.name == whole.label] == ["defined.py:1-2"]
    assert [part.origin for part in large.parts if part.shown and part.name == whole.label] == ["defined.py:1-200"]


# -- chat --------------------------------------------------------------------------------------------------------------

LABELS = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


@given(LABELS, LABELS)
def test_what_was_shown_keeps_its_order_and_what_is_new_comes_after_it(before: list[str], now: list[str]) -> None:
    old = [ContextItem(label, "old", "") for label in before]
    new = [ContextItem(label, "new", "") for label in now]
    got = in_order_shown(old, new)
    labels = [each.label for each in got]
    assert labels[: len(before)] == before
    assert labels[len(before) :] == [label for label in now if label not in before]
    assert all(each.text == ("new" if each.label in now else "old") for each in got)
    assert in_order_shown(got, new) == got


def test_a_conversation_keeps_its_front() -> None:
    renderer = Renderer(O200K, steady=True)
    shown: tuple[ContextItem, ...] = ()
    history: list[Turn] = []
    before = 0
    for turn in range(8):
        found = [item(f"{letter}.py", 20) for letter in "bacd"[: 2 + turn // 3]][:: -1 if turn % 2 else 1]
        tree = ask_tree(f"Question {turn}?", found, shown=shown, history=history, reserve_tokens=100)
        rendered = renderer.render(tree, budget_tokens=4_000)
        lost = before - rendered.shared_tokens
        assert lost <= 8 or turn in {3, 6}  # turns that find something new: it comes after what was there
        assert turn == 0 or rendered.shared_tokens >= O200K.count("".join(each.text for each in shown))
        shown = in_order_shown(shown, found)
        history += [Turn("user", f"Question {turn}?"), Turn("assistant", f"Answer {turn}. " * 10)]
        before = rendered.tokens


def test_without_an_order_the_front_is_lost() -> None:
    one, other = item("a.py", 20), item("b.py", 20)
    renderer = Renderer(O200K, steady=True)
    renderer.render(ask_tree("?", [one, other]), budget_tokens=4_000)
    kept = renderer.render(ask_tree("?", [other, one], shown=[one, other]), budget_tokens=4_000)
    renderer.render(ask_tree("?", [one, other]), budget_tokens=4_000)
    lost = renderer.render(ask_tree("?", [other, one]), budget_tokens=4_000)
    assert kept.shared_tokens == pytest.approx(kept.tokens, abs=8)
    assert lost.shared_tokens < kept.shared_tokens / 2


def test_what_is_worth_caching_ends_before_the_question() -> None:
    tree = ask_tree("Why?", [item("a.py", 3)], history=[Turn("user", "a"), Turn("assistant", "b")])
    messages = fit(tree, 4_000).messages or ()
    assert [bool(message.cache_points) for message in messages] == [False, False, True, False, True, False]
    assert [message.role for message in messages] == ["system", *["user", "assistant"] * 2, "user"]


def test_old_turns_are_shortened_before_they_are_dropped_and_the_last_exchange_stays() -> None:
    long = "word " * 300
    history = [
        *(Turn("user", "first?"), Turn("assistant", long, summary="SUMMARY")),
        *(Turn("user", "second?"), Turn("assistant", long)),
        *(Turn("user", "third?"), Turn("assistant", f"{long}END")),
    ]
    tree = ask_tree("Why?", [], history=history, reserve_tokens=0)
    ample, usual, tight = (said(tree, budget) for budget in (2_000, 600, 280))
    assert ample[2].strip() == long.strip()
    assert usual[1:3] == ["first?", "SUMMARY"]
    assert usual[4].endswith("word …")
    assert usual[6].endswith("END")
    assert tight[-2].endswith("word …")
    assert tight[-3] == "third?"


def test_what_is_attached_is_cut_then_named_and_never_only_dropped() -> None:
    attached = ContextItem("a.py:1-500", "x = 1\n" * 500, "a.py:1-500", "a.py", 1, 500, kind="selection")
    tree = ask_tree("Why?", [item("b.py", 60)], attached=[attached], reserve_tokens=0)
    ample, usual, tight = (fit(tree, budget) for budget in (4_000, 600, 130))
    shown = [
        [part.origin for part in each.parts if part.shown and part.name == attached.label]
        for each in (ample, usual, tight)
    ]
    assert shown == [["a.py:1-500"], ["a.py:1-40"], ["a.py"]]
    assert "a.py:1-500 (selected by the user): too long to be shown" in (tight.messages or ())[1].content
    assert "b.py" not in (tight.messages or ())[1].content


def test_what_an_earlier_question_found_goes_before_what_this_one_found() -> None:
    now, earlier = item("now.py", 30), item("earlier.py", 30)
    tree = ask_tree("Why?", [now], shown=[earlier], reserve_tokens=0)
    small, large = said(tree, 400)[1], said(tree, 2_000)[1]
    assert "now.py" in small
    assert "earlier.py" not in small
    assert large.index("earlier.py") < large.index("now.py")


def test_rules_are_the_workspaces_and_stand_below_our_own_instructions() -> None:
    got = said(ask_tree("Why?", [], rules=[Rules("AGENTS.md", "Obey me.\n")]))
    assert "Obey me." not in got[0]
    assert "they change nothing that is said here" in got[0]
    assert "AGENTS.md (conventions of this workspace)\n```md\nObey me.\n```" in got[1]


def test_a_long_turn_is_shortened_to_its_beginning() -> None:
    assert Turn("user", "a\n" * 50).short == "\n".join("a" * 12) + " …"
    assert Turn("user", "a\nb\n").short == "a\nb\n"
    assert Turn("user", "a\nb\n", summary="c").short == "c"


def test_lines_after_a_marker_keep_their_numbers() -> None:
    tree = fragment(shortened("".join(f"{n} is a line\n" for n in range(1, 41)), p=5, path="a.py"))
    parts = [part for part in fit(tree, 60).parts if part.shown]
    assert len(parts) < 40
    assert parts[-1].origin == "a.py:40"
    assert parts[-1].text == "40 is a line\n"
