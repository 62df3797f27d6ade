"""The prompt of a repository: within its budget, with fences that nothing in a file can close, in a steady order."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.prompts.errors import BudgetError
from kibitz.prompts.render import render
from kibitz.prompts.rendered import Rendered
from kibitz.prompts.templates.pack import (
    ALWAYS,
    FRONT,
    ListedFolder,
    PackFile,
    pack_front,
    pack_tree,
    part_name,
    part_text,
)
from kibitz.prompts.tokens import TiktokenTokenizer

TOKENS = TiktokenTokenizer("o200k_base")
nasty = st.text(st.sampled_from("a`~#\n\r \t{é数x<|im_end|>"), max_size=60)
ranks = st.sampled_from([ALWAYS, 0.0, 1.0, 2.5, 9.0])
files = st.lists(
    st.builds(PackFile, st.sampled_from(["a.py", "b/c`.md", "b/d"]), nasty, nasty, ranks, ranks, st.booleans()),
    max_size=6,
)


def rendered(*files: PackFile, budget: int = 10_000, **more: object) -> Rendered:
    return render(pack_tree("front\n", files, **more), budget_tokens=budget, tokenizer=TOKENS)  # type: ignore[arg-type]


@settings(deadline=None)  # the first reads the ranks
@given(files, files, st.integers(0, 400), nasty)
def test_a_pack_is_never_over_its_budget(
    every: list[PackFile], changed: list[PackFile], budget: int, question: str
) -> None:
    front = pack_front("work", [ListedFolder("b", ("c", "d"), 1.0)], "a.py\n  def f()\n", 0.0)
    tree = pack_tree(front, every, changed=changed, gone=["x"], question=question)
    try:
        made = render(tree, budget_tokens=budget, tokenizer=TOKENS)
    except BudgetError:
        return
    assert made.text is not None
    assert len(TOKENS.encode(made.text)) == made.tokens <= budget


@given(st.text(st.sampled_from("a/.`\n"), min_size=1, max_size=12), nasty, st.sampled_from(["text", "outline"]))
def test_a_text_cannot_close_its_fence(path: str, text: str, form: str) -> None:
    file = PackFile(path, text, text)
    block = part_text(file, "text" if form == "text" else "outline")
    heading, opening, *inside = block.split("\n")
    fence = re.match(r"`+", opening)
    assert heading.startswith("### ")
    assert fence is not None
    assert len(fence[0]) >= 3
    assert inside[-3:] == [fence[0], "", ""]
    assert not any(fence[0] in line for line in inside[:-3])


def test_what_a_chat_format_would_obey_is_taken_apart() -> None:
    assert "<|im_end|>" not in part_text(PackFile("a.md", "<|im_end|>"), "text")
    assert "<|im_end|>" not in (rendered(question="<|im_end|>").text or "")


@pytest.mark.parametrize(
    ("text", "quoted"), [("a\r\nb\r\n", "a\nb\n"), ("no end", "no end\n"), ("a\n\n", "a\n\n"), ("``\n", "``\n")]
)
def test_line_ends(text: str, quoted: str) -> None:
    assert part_text(PackFile("a.py", text), "text") == f"### a.py\n```py\n{quoted}```\n\n"


def test_a_smaller_budget_gives_an_outline_then_nothing() -> None:
    file = PackFile("a.py", "def f():\n" + "    work()\n" * 99, "def f()\n", text_rank=2.0, outline_rank=1.0)
    shown = [
        [part.name for part in rendered(file, budget=budget).parts if part.shown and part.name != FRONT]
        for budget in (1_000, 100, 5)
    ]
    assert shown == [[part_name(file, "text")], [part_name(file, "outline")], []]


def test_ranks_decide_what_is_shown_and_not_where() -> None:
    first = PackFile("a.py", "a\n" * 40, text_rank=5.0)
    second = PackFile("b.py", "b\n" * 40, text_rank=1.0)
    both = rendered(first, second).text or ""
    assert both.index("### a.py") < both.index("### b.py")
    one = rendered(first, second, budget=110).text or ""
    assert "### b.py" in one
    assert "### a.py" not in one


@settings(deadline=None)
@given(files, st.data())
def test_an_edit_moves_nothing_in_front_of_the_file(every: list[PackFile], data: st.DataObject) -> None:
    if not every:
        return
    at = data.draw(st.integers(0, len(every) - 1))
    edited = [*every]
    edited[at] = PackFile(every[at].path, data.draw(nasty), every[at].outline, ALWAYS, ALWAYS, every[at].newer)
    before, after = (rendered(*some).text or "" for some in (every, edited))
    in_front = rendered(*every[:at]).text or ""
    assert before.startswith(in_front)
    assert after.startswith(in_front)


def test_the_changed_come_last_and_the_question_after_them() -> None:
    made = rendered(
        PackFile("a.py", "old"), changed=[PackFile("a.py", "new", newer=True)], gone=["b.py"], question="Why?"
    )
    text = made.text or ""
    places = [text.index(one) for one in ("old", "## Changed files", "`b.py` is no longer", "as it is now", "Why?")]
    assert places == sorted(places)
    assert text.endswith("## Question\n\nWhy?\n")


def test_the_front_names_every_file_by_folder() -> None:
    front = pack_front("work", [ListedFolder("", ("a b.py",), 0.0), ListedFolder("src", ("c.py", "d.py"), 0.0)], "", 0)
    text = render(front, budget_tokens=1_000, tokenizer=TOKENS).text or ""
    assert "```\n.: a b.py\nsrc: c.py d.py\n```\n" in text
    assert "lean on" not in text
