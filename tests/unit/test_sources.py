from collections.abc import Mapping, Sequence

from kibitz.prompts.model_names import tokenizer_for
from kibitz.prompts.render import render
from kibitz.prompts.templates.chat import ask_tree
from kibitz.prompts.templates.context import ContextItem, Rules
from kibitz.server.chat.sources import Source, Why, sources


def item(path: str, start: int, end: int) -> ContextItem:
    text = "".join(f"line {number} = {number}\n" for number in range(start, end + 1))
    return ContextItem(f"{path}:{start}-{end}", text, f"{path}:{start}-{end}", path, start, end)


def told(
    whys: Mapping[str, Why],
    *,
    found: Sequence[ContextItem] = (),
    attached: Sequence[ContextItem] = (),
    shown: Sequence[ContextItem] = (),
    rules: Sequence[Rules] = (),
    budget_tokens: int = 2_000,
) -> tuple[Source, ...]:
    tree = ask_tree("How?", found, attached=attached, shown=shown, rules=rules, reserve_tokens=100)
    return sources(render(tree, budget_tokens=budget_tokens, tokenizer=tokenizer_for(None)), whys)


def test_each_place_has_its_reason() -> None:
    selected, mentioned, found, before = (item(f"{name}.py", 3, 4) for name in "abcd")
    whys: dict[str, Why] = {selected.label: "selected", mentioned.label: "mentioned"}
    assert told(whys, found=[found], attached=[selected, mentioned], shown=[before]) == (
        Source("d.py", 3, 4, "earlier"),
        Source("a.py", 3, 4, "selected"),
        Source("b.py", 3, 4, "mentioned"),
        Source("c.py", 3, 4, "found"),
    )


def test_the_last_of_many_hits_is_still_found() -> None:
    assert {source.why for source in told({}, found=[item(f"f{n}.py", 1, 1) for n in range(60)])} == {"found"}


def test_what_touches_is_one_place_unless_it_came_for_another_reason() -> None:
    selected = item("a.py", 1, 9)
    assert told(
        {selected.label: "selected"}, attached=[selected], found=[item("a.py", 10, 12), item("a.py", 13, 20)]
    ) == (
        Source("a.py", 1, 9, "selected"),
        Source("a.py", 10, 20, "found"),
    )


def test_rules_and_diffs_are_told_without_lines_and_what_is_no_file_is_not() -> None:
    diff = ContextItem("changes of a.py", "+x = 1\n", "a.py", "a.py", kind="diff")
    problems = ContextItem("errors and warnings of the editor", "a.py:1: error: no\n", "", kind="diagnostics")
    whys: dict[str, Why] = {diff.label: "changed", problems.label: "mentioned", "AGENTS.md": "rules"}
    assert told(whys, attached=[diff, problems], rules=[Rules("AGENTS.md", "Be brief.\n")]) == (
        Source("AGENTS.md", 0, 0, "rules"),
        Source("a.py", 0, 0, "changed"),
    )


def test_what_is_only_named_or_did_not_fit_is_no_source() -> None:
    long = ContextItem("changes of a.py", "+x = 1\n" * 3_000, "a.py", "a.py", kind="diff")
    head = ContextItem("changes of b.py", "+" + "x = 1; " * 3_000 + "\n", "b.py", "b.py", kind="diff")
    whys: dict[str, Why] = {long.label: "changed", head.label: "changed"}
    assert told(whys, attached=[long, head], budget_tokens=1_000) == (Source("a.py", 0, 0, "changed"),)
