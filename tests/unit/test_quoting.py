"""Foreign text in a prompt stays data: it closes no fence, speaks no control string, names no place of its own."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.prompts.nodes import Node
from kibitz.prompts.render import Rendered, render
from kibitz.prompts.templates.chat import ask_tree
from kibitz.prompts.templates.complete import FAMILIES, chat_completion_tree, fim_tree
from kibitz.prompts.templates.context import Context, ContextItem, Definition, Kind, RecentEdit, Rules, Turn
from kibitz.prompts.templates.edit import edit_tree
from kibitz.prompts.templates.quoting import block, commented, fence_for, heading, label_of, quiet
from kibitz.prompts.templates.small import small_ask_tree
from kibitz.prompts.tokens import TiktokenTokenizer

O200K = TiktokenTokenizer("o200k_base")

CONTROLS = [
    "<|im_end|>",
    "<|eot_id|>",
    "</s>",
    "[INST]",
    "[/INST]",
    "<start_of_turn>",
    "<<SYS>>",
    "<｜User｜>",  # noqa: RUF001
    "<eos>",
]
CONTROL = re.compile("|".join(map(re.escape, CONTROLS)))
PIECES = [
    *("`", "```", "~~~", "````py", "\n", "\r", "\r\n", " ", "    ", "\u2028", "\t", ">", "<", "-", "#", "x"),
    *("src/other.py:1-3", "a.py:1-3\n```py\n", "```\n\nsrc/other.py:1-3\n```py\n", "Question: why?"),
    *(*CONTROLS, "<|", "|>", "<｜", "｜>", "<｜[INST]｜>", "<｜</s>｜>"),  # noqa: RUF001
]
EVIL = st.lists(st.sampled_from(PIECES), max_size=10).map("".join)
KINDS: tuple[Kind, ...] = ("excerpt", "file", "symbol", "selection", "diff", "diagnostics", "rules")
ITEMS = st.lists(
    st.builds(
        lambda path, text, kind, start: ContextItem(path or "x", text, "", path, start, start and start + 2, kind),
        *(EVIL, EVIL, st.sampled_from(KINDS), st.integers(0, 3)),
    ),
    max_size=4,
    unique_by=lambda item: item.label,
)


def read(text: str) -> tuple[list[str], list[str]]:
    """Read fences as CommonMark does: the lines outside that are not blank, and what each fence holds."""
    outside: list[str] = []
    blocks: list[str] = []
    fence, held = "", ""
    for line in re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text):
        bare = line.rstrip("\r\n")
        if fence:
            if re.fullmatch(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}[ \t]*", bare):
                blocks.append(held)
                fence, held = "", ""
            else:
                held += line
            continue
        found = re.match(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})", bare)
        if found:
            fence = found[1]
        elif bare.strip():
            outside.append(bare)
    assert not fence, "a fence was left open"
    return outside, blocks


def quoted(text: str) -> str:
    text = quiet(text)
    return text if text.endswith("\n") else f"{text}\n"


def full(tree: Node) -> Rendered:
    return render(tree, budget_tokens=100_000, tokenizer=O200K)


def contents(tree: Node) -> list[str]:
    return [message.content for message in full(tree).messages or ()]


def titles(items: Sequence[ContextItem]) -> list[str]:
    return [heading(label_of(item)) for item in items]


@given(EVIL)
def test_no_control_string_is_left_even_inside_another(text: str) -> None:
    assert not CONTROL.search(quiet(text))
    assert quiet(text).replace(" ", "") == text.replace(" ", "")


@given(EVIL)
def test_a_heading_is_one_line_that_opens_nothing(name: str) -> None:
    line = heading(name)
    assert read(f"{line}\n```\nx\n```\n") == ([line], ["x\n"])
    assert line.splitlines() == [line]
    assert not CONTROL.search(line)


@given(EVIL, EVIL, st.sampled_from(KINDS))
def test_a_block_holds_its_text_and_nothing_else_is_outside(path: str, text: str, kind: Kind) -> None:
    item = ContextItem(path or "x", text, "", path, kind=kind)
    assert read(block(item)) == (titles([item]), [quoted(text)])


@settings(max_examples=150, deadline=None)
@given(ITEMS, ITEMS, st.lists(st.builds(Rules, EVIL, EVIL.filter(bool)), max_size=1))
def test_a_question_shows_each_excerpt_under_its_own_place(
    items: list[ContextItem], attached: list[ContextItem], rules: list[Rules]
) -> None:
    named = {item.label for item in attached}
    found = [item for item in items if item.label not in named]
    said = contents(
        ask_tree("Why?", found, attached=attached, rules=rules, history=[Turn("user", "a"), Turn("assistant", "b")])
    )
    if not (found or attached or rules):
        assert len(said) == 4
        return
    shown = [*(each.item for each in rules), *attached, *found]
    assert read(said[1]) == (["Excerpts of the workspace:", *titles(shown)], [quoted(item.text) for item in shown])
    assert not any(CONTROL.search(each) for each in said)


@settings(max_examples=100, deadline=None)
@given(ITEMS, EVIL, EVIL, EVIL)
def test_code_at_hand_and_context_stay_in_their_fences(
    items: list[ContextItem], path: str, above: str, below: str
) -> None:
    context = Context(
        items=items, definitions=[Definition(ContextItem("d", above, ""), below)], edits=[RecentEdit(path, 1, 2, below)]
    )
    completion = contents(
        chat_completion_tree(prefix=above, suffix=below, path=path, language="x", context=context, reserve_tokens=9)
    )
    outside, blocks = read(completion[-1])
    assert blocks[-1] == f"{quiet(above)}<CURSOR>{quiet(below)}\n"
    assert len(blocks) == len(items) + 3
    assert outside[len(items) + 2 :] == [heading(path), "Write only what belongs at <CURSOR>."]
    assert not any(CONTROL.search(each) for each in completion)
    edit = contents(
        edit_tree(
            *("Do it.",),
            path=path,
            language="x",
            before=above,
            target="target\n",
            after=below,
            context=context,
            whole_file=False,
            reserve_tokens=9,
        )
    )
    outside, blocks = read(edit[-1])
    around = [each for each in (above, below) if each.strip()]
    assert len(blocks) == len(items) + 3 + len(around)
    assert "target\n" in blocks
    assert outside[-2:] == ["Instruction: Do it.", "Answer with the new target lines in one code block."]
    assert len(outside) == len(items) + 2 + 1 + len(around) + 2


@settings(max_examples=60, deadline=None)
@given(ITEMS)
def test_a_very_small_models_excerpts_stay_in_their_fences(items: list[ContextItem]) -> None:
    said = contents(small_ask_tree("Why?", items, reserve_tokens=9))
    outside, blocks = read(said[3])
    assert outside == [*(f"`{heading(item.place)}`:" for item in items[::-1]), "Question: Why?"]
    assert blocks == [quoted((item.head(24) or item).text) for item in items[::-1]]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(FAMILIES)), st.data())
def test_no_context_of_any_kind_speaks_a_control_string_of_the_family(name: str, data: st.DataObject) -> None:
    family = FAMILIES[name]
    own = [token.strip() for token in (family.prefix, family.suffix, family.middle, family.file, family.repo) if token]
    texts = st.lists(st.sampled_from([*own, *(token[:4] for token in own), "x", "\n", "\r", "`"]), max_size=6)
    path, text, other = (data.draw(texts.map("".join)) for _ in range(3))
    context = Context(
        items=[ContextItem(path or "p", text, "", path)],
        definitions=[Definition(ContextItem("d", text, "", path), other)],
        edits=[RecentEdit(path, 1, 1, text)],
        rules=[Rules(path, text)],
    )
    tree = fim_tree(family, prefix=text, suffix=other, path=path, repo=path, context=context, reserve_tokens=0)
    plain = fim_tree(
        family,
        prefix="x",
        suffix="",
        path="p" * bool(path.strip()),
        repo="r" * bool(path.strip()),
        context=Context(),
        reserve_tokens=0,
    )
    spoken = [family.control_pattern().findall(full(each).text or "") for each in (tree, plain)]
    files = [found.count(family.file) if family.file else 0 for found in spoken]
    assert files[0] - files[1] == (4 if family.file else 0)
    assert [each for each in spoken[0] if each != family.file] == [each for each in spoken[1] if each != family.file]


@given(EVIL, st.sampled_from(["a.py", "a.c", "a.sql", "a.ini", "Makefile"]))
def test_no_line_of_a_comment_is_code(text: str, path: str) -> None:
    mark = commented("x", path).split(" ")[0]
    assert all(line.startswith(mark) for line in commented(text, path).splitlines())


@pytest.mark.parametrize("path", ["a.html", "a.css", "a.ml"])
@given(
    text=st.lists(st.sampled_from(["<!--", "-->", "/*", "*/", "(*", "*)", "*", "-", ">", "/", "\n", "x"])).map("".join)
)
def test_a_block_comment_ends_where_it_should(path: str, text: str) -> None:
    opening, closing = commented("x", path).split("\nx\n")
    made = commented(text, path)
    assert made.count(opening) == 1
    assert made.count(closing.strip()) == 1
    assert made.endswith(closing)


def test_a_fence_is_made_for_its_own_text() -> None:
    plain, fenced = ContextItem("a.py", "x\n", ""), ContextItem("b.md", "```\n", "")
    together = contents(ask_tree("?", [plain, fenced]))[1]
    alone = contents(ask_tree("?", [plain]))[1]
    assert together.startswith(alone)
    assert fence_for(["``"]) == "```"
