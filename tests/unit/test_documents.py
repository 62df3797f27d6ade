import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.server.lsp.documents import (
    Change,
    Document,
    DocumentError,
    DocumentStore,
    Encoding,
    Place,
    offset_in,
    split_lines,
    units,
)

ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")
# Everything that str.splitlines takes for a line end, the three that are, and characters of one to four bytes.
ALPHABET = "ab \t\f\v\x1c\x1d\x1e\x85\u2028\u2029\r\n\n\ré中😀🏽"
texts = st.lists(st.sampled_from([*ALPHABET, "\r\n"]), max_size=40).map("".join)
places = st.tuples(st.integers(0, 12), st.integers(0, 30)).map(lambda pair: Place(*pair))


def model_offset(text: str, place: Place, encoding: Encoding) -> int:
    """The index of a place in a text, the slow and plain way: walk to the line, then character by character."""
    starts = [0] + [match.end() for match in re.finditer(r"\r\n|\r|\n", text)]
    if place.line >= len(starts):
        return len(text)
    at, left = starts[place.line], place.character
    while at < len(text) and text[at] not in "\r\n":
        width = {"utf-8": len(text[at].encode()), "utf-16": 1 + (text[at] > "\uffff"), "utf-32": 1}[encoding]
        if left < width:
            break
        left -= width
        at += 1
    return at


def model_apply(text: str, change: Change, encoding: Encoding) -> str:
    if change.start is None or change.end is None:
        return change.text
    one, two = sorted(model_offset(text, place, encoding) for place in (change.start, change.end))
    return text[:one] + change.text + text[two:]


changes = st.one_of(
    st.builds(Change, text=texts, start=places, end=places),
    st.builds(Change, text=texts, start=places, end=places),
    st.builds(Change, text=texts),
)


@settings(max_examples=60, deadline=None)
@given(start=texts, edits=st.lists(changes, min_size=60, max_size=100), encoding=st.sampled_from(ENCODINGS))
def test_a_document_stays_in_step_through_a_hundred_edits(start: str, edits: list[Change], encoding: Encoding) -> None:
    document, model = Document("file:///a", start, version=0, encoding=encoding), start
    for edit in edits:
        document.apply(edit)
        model = model_apply(model, edit, encoding)
        assert document.line_count == len(split_lines(model))
        assert document._lines == split_lines(model)
    assert document.text == model


@given(text=texts, place=places, encoding=st.sampled_from(ENCODINGS))
def test_the_text_around_a_place_is_the_whole_text(text: str, place: Place, encoding: Encoding) -> None:
    document = Document("file:///a", text, version=0, encoding=encoding)
    before, after = document.around(place)
    assert before + after == text
    assert len(before) == model_offset(text, place, encoding)
    left, right = document.line_at(place)
    assert before.endswith(left)
    assert after.startswith(right)


@given(text=texts, start=places, end=places, encoding=st.sampled_from(ENCODINGS))
def test_the_text_between_two_places_is_what_an_edit_there_removes(
    text: str, start: Place, end: Place, encoding: Encoding
) -> None:
    document = Document("file:///a", text, version=0, encoding=encoding)
    between = document.between(start, end)
    document.apply(Change("", start, end))
    assert len(document.text) == len(text) - len(between)
    assert model_apply(text, Change("", start, end), encoding) == document.text


@given(text=texts)
def test_lines_put_together_are_the_text(text: str) -> None:
    lines = split_lines(text)
    assert "".join(lines) == text
    assert all(re.fullmatch(r"[^\r\n]*(\r\n|\r|\n)", line) for line in lines[:-1])
    assert not lines[-1].endswith(("\r", "\n"))


@pytest.mark.parametrize(
    ("encoding", "character", "index"),
    [
        ("utf-16", 1, 1),
        ("utf-16", 2, 1),  # inside the pair
        ("utf-16", 3, 2),
        ("utf-8", 2, 1),
        ("utf-8", 4, 1),
        ("utf-8", 5, 2),
        ("utf-32", 2, 2),
        ("utf-16", 99, 3),
        ("utf-8", 99, 3),
        ("utf-32", 99, 3),
    ],
)
def test_a_column_inside_a_character_is_its_start(encoding: Encoding, character: int, index: int) -> None:
    assert offset_in("a😀b", character, encoding) == index


@given(text=st.text(st.sampled_from("aé中😀"), max_size=20), encoding=st.sampled_from(ENCODINGS))
def test_a_column_and_its_index_are_each_others_inverse(text: str, encoding: Encoding) -> None:
    for index in range(len(text) + 1):
        assert offset_in(text, units(text[:index], encoding), encoding) == index


def test_a_column_past_the_last_line_without_an_end_appends() -> None:
    document = Document("file:///a", "ab\ncd", version=0)
    document.apply(Change("!", Place(1, 99), Place(1, 99)))
    assert document.text == "ab\ncd!"


def test_a_form_feed_is_no_line_end() -> None:
    document = Document("file:///a", "one\ftwo\nthree\n", version=0)
    document.apply(Change("3", Place(1, 0), Place(1, 5)))
    assert document.text == "one\ftwo\n3\n"


def test_a_carriage_return_and_a_line_feed_that_meet_become_one_line_end() -> None:
    document = Document("file:///a", "a\rb\nc", version=0)
    document.apply(Change("", Place(1, 0), Place(1, 1)))
    assert (document.text, document.line_count) == ("a\r\nc", 2)


def test_a_range_that_runs_backwards_is_turned_round() -> None:
    document = Document("file:///a", "abc", version=0)
    document.apply(Change("-", Place(0, 2), Place(0, 1)))
    assert document.text == "a-c"


def test_half_a_surrogate_pair_becomes_a_replacement_character() -> None:
    document = Document("file:///a", "a\ud83db", version=0)
    assert document.text == "a\ufffdb"
    document.text.encode("utf-8")


def test_the_store_applies_changes_in_order_and_keeps_the_version() -> None:
    store = DocumentStore("utf-16")
    store.open("file:///a", "x", version=1, language="python")
    store.change(
        "file:///a",
        7,
        [
            Change("y", Place(0, 1), Place(0, 1)),
            Change("z", Place(0, 2), Place(0, 2)),
            Change("w", Place(0, 0), Place(0, 1)),
        ],
    )
    assert (store.get("file:///a").text, store.get("file:///a").version) == ("wyz", 7)
    store.close("file:///a")
    store.close("file:///a")
    assert store.find("file:///a") is None
    with pytest.raises(DocumentError, match="not open"):
        store.change("file:///a", 8, [])
