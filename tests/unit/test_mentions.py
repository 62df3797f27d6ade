"""Mentions and slash prompts in a question's text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.server.chat.mentions import KINDS, Mention, mentions, without
from kibitz.server.chat.slash import SLASHES, UnknownPromptError, parted, spelled


@pytest.mark.parametrize(
    ("text", "kind", "value", "lines"),
    [
        ("See @file:src/app.py.", "file", "src/app.py", (0, 0)),
        ("@file:src/app.py:10-24 is long", "file", "src/app.py", (10, 24)),
        ("(@file:app.py:7)", "file", "app.py", (7, 7)),
        ("@file:app.py#L3-L9", "file", "app.py", (3, 9)),
        ("@file:app.py:9-3", "file", "app.py", (9, 9)),
        ('@file:"my notes/to do.md":2', "file", "my notes/to do.md", (2, 2)),
        ("what of @src/app.py?", "path", "src/app.py", (0, 0)),
        ("and @app.py:4", "path", "app.py", (4, 4)),
        ("@folder:src/lib, please", "folder", "src/lib", (0, 0)),
        ("@symbol:Session.close", "symbol", "Session.close", (0, 0)),
        ("@symbol:pool::Pool!", "symbol", "pool::Pool", (0, 0)),
        ("explain @selection.", "selection", "", (0, 0)),
        ("review @diff", "diff", "", (0, 0)),
        ("review @diff:main~2", "diff", "main~2", (0, 0)),
        ("@codebase where?", "codebase", "", (0, 0)),
    ],
)
def test_a_mention_is_found(text: str, kind: str, value: str, lines: tuple[int, int]) -> None:
    (found,) = mentions(text)
    assert (found.kind, found.value, (found.first, found.last)) == (kind, value, lines)


@pytest.mark.parametrize(
    "text",
    [
        "ann@example.org wrote it",
        "What does @property do?",
        "@dataclass class A",
        "`@file:app.py` is how",
        "a @ b",
        "@opened",
        "@diffs",
        "@selection-like",
        "git@github.com:a/b.git",
        "@@file:a.py",
    ],
)
def test_what_looks_like_a_mention_is_none(text: str) -> None:
    assert mentions(text) == ()


def test_a_question_without_its_mentions() -> None:
    text = "Where does @file:app.py, or @symbol:run, end?"
    assert without(text, mentions(text)) == "Where does , or , end?"


WORDS = st.sampled_from(
    [*(f"@{kind}" for kind in KINDS), "@file:a.py:3", "@src/b.py", '@file:"a b"', "@", "a@b", "x", "(", ").", '"', "\n"]
)


@given(st.lists(WORDS, max_size=12).map(" ".join))
def test_mentions_stand_in_order_where_they_say_and_cover_themselves(text: str) -> None:
    at = 0
    for found in mentions(text):
        assert at <= found.start < found.end <= len(text)
        assert text[found.start] == "@"
        assert found.kind == "path" or text[found.start + 1 :].startswith(found.kind)
        assert found.value in text[found.start : found.end]
        at = found.end


@given(st.text(max_size=60))
def test_any_text_may_be_asked(text: str) -> None:
    assert all(isinstance(found, Mention) for found in mentions(text))


def test_a_slash_prompt_is_parted_from_the_words() -> None:
    slash, words = parted("/fix the loop in @file:a.py")
    assert slash is SLASHES["fix"]
    assert words == "the loop in @file:a.py"
    assert parted("/commit")[1] == ""
    assert spelled("/explain it").endswith("\n\nit")


@pytest.mark.parametrize("text", ["How?", "/usr/bin/env is a path", "a /fix b", "/Fix", "/2"])
def test_other_text_is_no_slash_prompt(text: str) -> None:
    assert parted(text) == (None, text)
    assert spelled(text) == text


def test_an_unknown_slash_prompt_is_a_sentence() -> None:
    with pytest.raises(UnknownPromptError, match=r"There is no prompt /fox; there are /explain, /fix"):
        parted("/fox hunting")
