import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.terms import MAX_COUNT, joined, pack, query_terms, split, stem, term_id, terms_of, terms_of_chunk
from kibitz.indexer.types import Chunk, Span


def ids(*words: str) -> set[int]:
    return {term_id(word) for word in words}


@pytest.mark.parametrize(
    ("identifier", "parts"),
    [
        ("getUserName", ["get", "user", "name"]),
        ("user_name", ["user", "name"]),
        ("HTTPServerError", ["http", "server", "error"]),
        ("parse_http_request2", ["parse", "http", "request", "2"]),
        ("XMLHttpRequest", ["xml", "http", "request"]),
        ("__init__", ["init"]),
        ("größeÄndern", ["größe", "ändern"]),
        ("НТТРСервер", ["нттр", "сервер"]),
        ("検索エンジン", ["検索", "索エ", "エン", "ンジ", "ジン"]),
        ("", []),
    ],
)
def test_an_identifier_is_split_at_case_underscores_and_digits(identifier: str, parts: list[str]) -> None:
    assert split(identifier) == parts


def test_a_part_finds_the_identifier_it_is_in() -> None:
    assert query_terms("user").keys() <= terms_of("def getUserName(self): ...").keys()
    assert query_terms("server").keys() <= terms_of("raise HTTPServerError").keys()


def test_naming_conventions_meet_in_the_whole_identifier() -> None:
    assert joined("getUserName") == joined("get_user_name") == "getusername"
    assert ids("getusername") <= terms_of("getUserName").keys() & terms_of("get_user_name").keys()


def test_inflections_of_a_word_are_one_term() -> None:
    assert stem("connections") == stem("connection") == stem("connected") == "connect"
    assert terms_of("parsing parsed parses").keys() == ids("pars")


def test_occurrences_are_counted() -> None:
    assert terms_of("retry(retry) + retry")[term_id("retri")] == 3


def test_a_question_loses_its_grammar() -> None:
    assert query_terms("how does the session close its connections?").keys() == ids("session", "close", "connect")


def test_a_question_of_stop_words_alone_keeps_them() -> None:
    assert query_terms("what is this").keys() == ids("what", "is", "this")


def test_long_runs_of_data_are_no_words() -> None:
    assert terms_of("x = '" + "deadbeef" * 20 + "'") == {}


def test_what_a_chunk_defines_and_what_is_around_it_counts_beside_its_text() -> None:
    chunk = Chunk("a.py", Span(0, 1), "return 1", symbol="Session.close", defines=("close",))
    terms = terms_of_chunk(chunk)
    counted = dict(zip(terms.ids, terms.counts, strict=True))
    assert counted[term_id("close")] == 2
    assert counted[term_id("session")] == 1


def test_counts_fit_a_byte() -> None:
    assert list(pack({7: 1000, 3: 2}).counts) == [2, MAX_COUNT]
    assert list(pack({7: 1000, 3: 2}).ids) == [3, 7]


@given(st.text())
def test_any_text_has_terms_that_fit_32_bits(text: str) -> None:
    assert all(0 <= term < 1 << 32 and count > 0 for term, count in terms_of(text).items())


@given(st.lists(st.text(string.ascii_lowercase, min_size=2, max_size=8), min_size=2, max_size=4))
def test_both_naming_conventions_have_the_same_parts(words: list[str]) -> None:
    camel = words[0] + "".join(word.capitalize() for word in words[1:])
    assert split("_".join(words)) == split(camel) == words
