"""What a question asks for."""

import pytest

from kibitz.indexer.keys import definition_key
from kibitz.indexer.wanted import Wanted, is_symbol


@pytest.mark.parametrize(
    ("word", "symbol"),
    [
        ("ClientSession", True),
        ("getUser", True),
        ("read_text", True),
        ("session", False),
        ("Session", False),
        ("HTTP", False),
    ],
)
def test_a_symbol_is_told_by_its_spelling(word: str, symbol: bool) -> None:
    assert is_symbol(word) == symbol


def test_the_names_that_a_question_asks_for() -> None:
    assert set(Wanted("where is Session.close and read_text used").named) == {
        definition_key("close"),
        definition_key("read_text"),
    }
    assert (Wanted("session").named, Wanted("session").joined) == ([definition_key("session")], [])
    assert definition_key("ConnectionPool") in Wanted("the connection pool").joined


def test_words_are_stems_of_parts_each_once_and_in_order() -> None:
    assert Wanted("How are retries of failedRequests made? retry_failed").words == ("retri", "fail", "request", "made")


def test_a_question_of_stop_words_keeps_them() -> None:
    assert Wanted("how to do it").words


def test_only_one_word_is_a_name() -> None:
    assert Wanted("where is the Router?").is_name
    assert not Wanted("where is the request router?").is_name


def test_a_question_mentions_words_whatever_their_case() -> None:
    assert Wanted("Tests of the pool").mentions(frozenset({"tests"}))
    assert not Wanted("the pool").mentions(frozenset({"tests"}))
