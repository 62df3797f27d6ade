"""Questions as people, programs and accidents make them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.question import MOST_CHARS, read_question
from kibitz.indexer.search import Searcher
from tests.fakes.workspaces import opened, update, written

FILES = {
    "src/session.py": "def close_session(session):\n    '''Close a session.'''\n",
    "src/gruesse.py": "def grüße():\n    '''Größe der Übersetzung ändern.'''\n",
    "src/zh.py": "def connect():\n    '''关闭数据库连接'''\n",
    "src/ja.py": "def connect():\n    '''セッションを閉じる'''\n",
}


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    root: Path = written(tmp_path_factory.mktemp("questions") / "work", FILES)
    update(root)
    return opened(root)


@pytest.mark.parametrize("asked", ["", " \n\t ", "\0\x07\x1b"])
def test_an_empty_question_says_so(asked: str) -> None:
    assert read_question(asked) == ("", ("There are no words in the question: say what to look for.",))


@pytest.mark.parametrize("asked", ["!=", "->", "??? ...", "🙂"])
def test_punctuation_alone_is_for_a_regular_expression(asked: str) -> None:
    text, (note,) = read_question(asked)
    assert text == ""
    assert "a regular expression finds punctuation" in note


def test_control_characters_are_blanks() -> None:
    assert read_question("close\0the\x1b[31m\r\nsession\u2028now") == ("close the [31m session now", ())


def test_what_stands_behind_the_longest_question_is_not_looked_at() -> None:
    text, (note,) = read_question("word " * 20_000)
    assert len(text) <= MOST_CHARS
    assert note == f"Only the first {MOST_CHARS} characters of the question were looked at."
    assert read_question("w" * MOST_CHARS) == ("w" * MOST_CHARS, ())


@given(st.text(max_size=200))
def test_a_question_that_was_read_reads_the_same_again(asked: str) -> None:
    once = read_question(asked)
    assert read_question(once.text).text == once.text
    assert bool(once.text) or once.notes


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("close session " * 8_000, "src/session.py"),
        ("close\0session\x1b]52;c;x\x07", "src/session.py"),
        ("Wie wird die Größe der Übersetzung geändert?", "src/gruesse.py"),
        ("数据库连接在哪里关闭", "src/zh.py"),
        ("セッションはどこで閉じる?", "src/ja.py"),
    ],
)
def test_a_question_in_any_language_and_of_any_length_is_answered(searcher: Searcher, asked: str, path: str) -> None:
    assert searcher.search(asked)[0].chunk.path == path


@pytest.mark.parametrize("asked", ["", "?!", "\0", "\ud800", "%" * 100_000, "a" * 100_000])
def test_a_question_without_a_word_finds_nothing_and_breaks_nothing(searcher: Searcher, asked: str) -> None:
    assert searcher.search(asked, legs=("lexical",)) == []
