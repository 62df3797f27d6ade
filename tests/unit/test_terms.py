import string
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.terms import (
    MAX_COUNT,
    STOP_WORDS,
    Counts,
    Lexer,
    joined,
    query_terms,
    split,
    stem,
    term_id,
    terms_of,
)
from kibitz.indexer.words import Vocabulary

TEXT = st.lists(st.text(max_size=8) | st.sampled_from(["getUserName", "the", "HTTPServer", "retry_2"])).map(" ".join)


def per_chunk(counts: Counts) -> list[dict[int, int]]:
    pairs = list(zip(counts.terms.tolist(), counts.counts.tolist(), strict=True))
    return [dict(pairs[start:end]) for start, end in pairwise(counts.offsets.tolist())]


def expected(*texts: str) -> dict[int, int]:
    stopped = {term_id(stem(word)) for word in STOP_WORDS}
    total = sum((Counter(terms_of(text)) for text in texts), Counter[int]())
    return {term: min(times, MAX_COUNT) for term, times in total.items() if term not in stopped}


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


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
def test_terms_of_many_chunks_are_those_of_each_without_stop_words(chunks: list[tuple[str, str]]) -> None:
    vocabulary = Vocabulary()
    lexer = Lexer(vocabulary)
    for _ in range(2):  # all identifiers are new, and then none is
        bags = [vocabulary.bags([chunk[side] for chunk in chunks]) for side in (0, 1)]
        assert per_chunk(lexer.count(*bags)) == [expected(*chunk) for chunk in chunks]


def test_a_lexer_follows_a_vocabulary_that_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kibitz.indexer.words.MAX_KNOWN", 1)
    vocabulary = Vocabulary()
    lexer = Lexer(vocabulary)
    for text in ("session pool", "getUserName retry retry", "pool"):
        vocabulary.next_batch()
        assert per_chunk(lexer.count(vocabulary.bags([text]))) == [expected(text)]
    assert vocabulary.generation == 2


def test_counts_fit_a_byte() -> None:
    vocabulary = Vocabulary()
    counts = Lexer(vocabulary).count(vocabulary.bags(["retry " * 70_000]))
    assert (counts.terms.tolist(), counts.counts.tolist()) == ([term_id("retri")], [MAX_COUNT])


def test_no_chunks_have_no_terms() -> None:
    vocabulary = Vocabulary()
    assert Lexer(vocabulary).count(vocabulary.bags([])).offsets.tolist() == [0]


@given(st.text())
def test_any_text_has_terms_that_fit_32_bits(text: str) -> None:
    assert all(0 <= term < 1 << 32 and count > 0 for term, count in terms_of(text).items())


@given(st.lists(st.text(string.ascii_lowercase, min_size=2, max_size=8), min_size=2, max_size=4))
def test_both_naming_conventions_have_the_same_parts(words: list[str]) -> None:
    camel = words[0] + "".join(word.capitalize() for word in words[1:])
    assert split("_".join(words)) == split(camel) == words
