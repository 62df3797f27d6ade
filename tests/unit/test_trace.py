import json

from kibitz.prompts.nodes import Node, first, fragment, isolate, lines, reserve, scope, system, user
from kibitz.prompts.render import Rendered, render
from kibitz.prompts.tokens import TiktokenTokenizer
from kibitz.prompts.trace import explain, summary


def fit(tree: Node, budget: int) -> Rendered:
    return render(tree, budget_tokens=budget, tokenizer=TiktokenTokenizer("o200k_base"))


def chat() -> Node:
    return fragment(
        system(scope("Be brief.", name="rules")),
        user(
            scope("if a < b: <script>alert(1)</script>\n", p=5, name="code", origin="a.py:1-1"),
            scope("long ago " * 30, p=1, name="notes", origin="notes.md:1-9"),
            scope("Why?", name="question"),
        ),
        reserve(10),
    )


def test_every_part_is_explained_in_jsons_own_types() -> None:
    told = explain(fit(chat(), 60))
    assert json.loads(json.dumps(told)) == told
    assert [(part["name"], part["shown"], part["why"]) for part in told] == [
        ("rules", True, "always shown"),
        ("code", True, "at or above the cutoff"),
        ("notes", False, "priority 1 is below the cutoff 5 and it did not fit what was left"),
        ("question", True, "always shown"),
    ]
    assert told[1] == {
        "name": "code",
        "origin": "a.py:1-1",
        "priority": 5.0,
        "tokens": 13,
        "shown": True,
        "why": "at or above the cutoff",
        "enters": 39,
        "message": 1,
        "start": 0,
        "end": 36,
        "token_start": 0,
        "token_end": 13,
    }


def test_the_lines_of_a_document_are_told_together() -> None:
    told = explain(fit(lines("a\nb\nc\nd\n", lambda number: number, name="prefix", path="a.py"), 4))
    assert [(part["origin"], part["shown"], part["priority"]) for part in told] == [
        ("a.py:1-2", False, 1.0),
        ("a.py:3-4", True, 3.0),
    ]


def test_it_says_when_another_version_is_shown_and_when_an_isolate_was_cut() -> None:
    tree = fragment(
        first(scope("the whole story", p=1, name="x"), scope("gist", p=2, name="x")),
        isolate("kept", scope(" cut" * 9, p=7), limit=2),
    )
    assert [part["why"] for part in explain(fit(tree, 100))] == [
        "at or above the cutoff",
        "another version of it is shown",
        "always shown",
        "priority 7: it did not fit the limit around it",
    ]


def test_what_fill_mode_added_says_so() -> None:
    tree = fragment(scope("one", p=1, name="a"), scope(" two three four", p=1, name="b"))
    assert explain(fit(tree, 1))[0]["why"] == "fitted into what was left"


def test_the_summary_adds_up_and_carries_what_a_slider_needs() -> None:
    told = summary(fit(chat(), 60))
    assert told["tokens"] + told["reserved"] + told["unused"] == told["budget"] == 60
    assert (told["cutoff"], told["tokenizer"], told["exact"]) == (5.0, "o200k_base", True)
    assert [cutoff for cutoff, _size in told["steps"]] == [None, 5.0, 1.0]
    assert json.loads(json.dumps(told)) == told
