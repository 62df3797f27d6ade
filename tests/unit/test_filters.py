"""Cleaning a model's continuation; ║ is the cursor. Whole documents stand under tests/golden/completion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.prompts.templates.complete import FAMILIES
from kibitz.server.completion import filters
from kibitz.server.completion.filters import FILTERS, clean
from tests.fakes.cursor import at_cursor
from tests.fakes.golden import Case, cases

CONTROLS = sorted({token for family in FAMILIES.values() for token in (*family.stop, *family.controls)})


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.name)
def test_an_answer_is_shown_as_the_golden_case_says(case: Case) -> None:
    assert clean(case.model, case.at.with_line_feeds()) == case.shown


@pytest.mark.parametrize(
    ("drawn", "model", "shown"),
    [
        # brackets
        ("foo(║)", "x)", "x"),
        ("foo(║)", "bar()", "bar()"),
        ("foo(║)", "bar())", "bar()"),
        ("foo(║)", "x)\n    return y", "x"),
        ("foo(║", "x)", "x)"),
        ("foo(║", "x))", "x)"),
        ("foo║", ")", ""),
        ("xs = [f(║]", "x)", "x)"),
        ("xs = [f(║]", "x)]", "x)"),
        ("# see (║", "the docs)", "the docs)"),
        ('s = "(║"', "a)", "a)"),
        ("foo(║)", "x).bar(y", "x).bar(y"),
        ("foo(║)", "x).bar(y)", "x).bar(y"),
        ("call(║) {\n})", "f, (x) {", "f, (x"),
        # quotes
        ('print("║")', 'hello"', "hello"),
        ('print("║")', 'hello")', "hello"),
        ('print("║")', 'a" + b + "c', 'a" + b + "c'),
        ("print(║)", '"hello"', '"hello"'),
        ('print("║', 'hello")', 'hello")'),
        # what follows on the line
        ("def f(║, b):", "a, b):", "a"),
        ("x = ║ + 1", "y + 1", "y"),
        ("x = ║;", "y;", "y"),
        ("f(║, key=g(x))", "a, key=g(x))", "a"),
        ("if ║:", "x in y:\n    pass", "x in y"),
        ("x = ║ if y else z", "a\nb = 1", "a"),
        ("print(║e)", "value", "value"),
        # what stands before
        ("return ║", "return x", "x"),
        ("x = ║", "x = compute(y)", "compute(y)"),
        ("    x = ║", "    x = 1", "1"),
        ("def f():\n    ║", "    return 1", "return 1"),
        ("def f():\n  ║", "  return 1", "return 1"),
        ("x = ║", " 1", "1"),
        ("x = 1 ║", " # one", " # one"),
        ("for║", "format(x)", "mat(x)"),
        ("x║", "xs.pop()", "xs.pop()"),
        ("def f(a):\n    b = a\n    ║", "def f(a):\n    b = a\n    return b", "return b"),
        # what is there already
        ("║x = 1", "x = 1", ""),
        ("a = 1\n║\nb = 2", "b = 2", ""),
        ("a = 1\n║\nb = 2\n", "c = 3\nb = 2\n", "c = 3"),
        ("a = 1\nb║\nb = 2\n", " = 2", ""),
        # the ends
        ("x = ║", "1   \n  ", "1"),
        ("x = ║", "   ", ""),
        ("x = ║", "", ""),
    ],
)
def test_what_is_shown(drawn: str, model: str, shown: str) -> None:
    assert clean(model, at_cursor(drawn)) == shown


@pytest.mark.parametrize(
    ("drawn", "model", "shown"),
    [
        ("x = ║", "1<|endoftext|>import os", "1"),
        ("x = ║", "<|fim_middle|>1", "1"),
        ("x = ║", "1\n<|file_sep|>b.py\ny = 2", "1"),
        ("x = ║", "1 <EOT>", "1"),
        ("x = ║", "1</s>", "1"),
        ("x = ║", "<CURSOR>1", "1"),
        ("x = ║", "```python\nx = 1\n```", "1"),
        ("x = ║", "Here you are:\n```python\nx = 1\n```\nThis sets x.", "1"),
        ("x = ║", "1\n```", "1"),
        ("x = ║", "<think>\nset it to 2?\n</think>\n1", "1"),
        ("x = ║", "The code is designed to return a response.", ""),
        ("x = ║", "You should set x to 1 here.\n```python\nx = 1\n```", "1"),
        ("x = ║", "Point(a, b)", "Point(a, b)"),
        ("# ║", "The code below is kept for the old format.", "The code below is kept for the old format."),
        ('raise Error("║")', "This is not a file of the index", "This is not a file of the index"),
        ("usage = ║", '"run <filename>"', '"run <filename>"'),
    ],
)
def test_the_form_of_an_answer_is_undone(drawn: str, model: str, shown: str) -> None:
    assert clean(model, at_cursor(drawn)) == shown


def test_markdown_keeps_its_fences() -> None:
    at = at_cursor("Install it:\n\n║", language="markdown")
    assert clean("```sh\nmake\n```", at) == "```sh\nmake\n```"


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("a()\n" * 5, "a()"),
        ("a()\nb()\n" * 4, "a()\nb()"),
        ("one, two, one, two, one, two, one, two, one, two, ", "one, two,"),
        ("a()\na()", "a()\na()"),
        ("0, 0, 0, 0, 0", "0, 0, 0, 0, 0"),
    ],
)
def test_a_model_that_goes_in_circles_is_stopped(model: str, shown: str) -> None:
    assert clean(model, at_cursor("║")) == shown


def test_more_than_a_screen_is_not_shown() -> None:
    assert clean("".join(f"a{n} = {n}\n" for n in range(90)), at_cursor("║")).count("\n") < filters.MAX_LINES


def test_lifetimes_are_no_strings() -> None:
    at = at_cursor("fn f<'a>(x: &'a str, y: &'a str║) {}", language="rust")
    assert clean(", z: &'a str)", at) == ", z: &'a str"


CODE = ("x", "foo", " = ", "(", ")", "[", "]", "{", "}", '"', "'", "\n", "\n\n", "    ", "\t", ":", ",", "é☕")
LINES = ("# c\n", "```\n", "return y", "def f():\n", "next_line = 1\n", "a()\na()\na()\n")
PIECES = st.sampled_from((*CODE, *LINES, "<|endoftext|>", "<fim_suffix>", "<EOT>"))
TEXTS = st.lists(PIECES, max_size=12).map("".join)
LANGUAGES = st.sampled_from(["python", "go", "rust", "markdown", ""])


@given(TEXTS, TEXTS, TEXTS, LANGUAGES)
def test_cleaning_a_clean_text_changes_nothing(prefix: str, model: str, suffix: str, language: str) -> None:
    at = at_cursor(f"{prefix}║{suffix}", language)
    once = clean(model, at)
    assert clean(once, at) == once


@given(TEXTS, TEXTS, TEXTS, LANGUAGES)
def test_a_filter_adds_nothing_but_indentation(prefix: str, model: str, suffix: str, language: str) -> None:
    at = at_cursor(f"{prefix}║{suffix}", language)
    for drop in FILTERS:
        assert len("".join(drop(model, at).split())) <= len("".join(model.split()))


@given(TEXTS, TEXTS, st.sampled_from(CONTROLS), TEXTS)
def test_no_control_token_is_ever_shown(prefix: str, before: str, token: str, after: str) -> None:
    shown = clean(before + token + after, at_cursor(f"{prefix}║"))
    ends = shown.rstrip().endswith(token) if token in ("<s>", "</s>") else token in shown
    assert not ends or " " + token in shown or f'"{token}' in shown or f"'{token}" in shown


@given(TEXTS, TEXTS, TEXTS, LANGUAGES)
def test_the_line_after_the_cursor_s_is_never_said_twice(prefix: str, model: str, rest: str, language: str) -> None:
    at = at_cursor(f"{prefix}\n║\nnext_line = 1\n{rest}", language)
    assert "next_line = 1" not in clean(model, at).split("\n")


@given(TEXTS, LANGUAGES)
def test_a_closing_bracket_after_the_cursor_is_never_said_twice(model: str, language: str) -> None:
    shown = clean(model, at_cursor("call(║)", language))
    if language and not any(mark in shown for mark in "\"'#`/"):
        assert shown.count(")") <= shown.count("("), "the one after the cursor closes what stands before it"
