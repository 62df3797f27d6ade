"""What a path says of its file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.pathnames import FLAGS, likeness, name_words, path_names

words = st.text("abcdefgh", min_size=1, max_size=9)


def flag(path: str, name: str) -> float:
    return path_names(path).flags[FLAGS.index(name)]


def test_names_and_folders_are_read_as_stems() -> None:
    names = path_names("src/http_clients/RetryPolicy.test.ts")
    assert names.stem == ("retri", "polici")
    assert names.folders == ("src", "http", "client")


@pytest.mark.parametrize(
    ("path", "test", "example"),
    [
        ("tests/test_pool.py", True, False),
        ("src/pool_test.go", True, False),
        ("examples/basic/main.rs", False, True),
        ("src/latest.py", False, False),
        ("spec/models/user_spec.rb", True, False),
    ],
)
def test_tests_and_examples_are_told_by_whole_words(path: str, test: bool, example: bool) -> None:
    assert (path_names(path).is_test, path_names(path).is_example) == (test, example)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("vendor/a.go", "compat"),
        ("third_party/a.c", "compat"),
        ("include/pool.hpp", "header"),
        ("types/index.d.ts", "header"),
        ("pkg/__init__.py", "barrel"),
        ("src/index.ts", "barrel"),
        ("docs/guide.md", "prose"),
    ],
)
def test_what_kind_of_file_it_is(path: str, name: str) -> None:
    assert flag(path, name) == 1
    assert flag("src/pool.py", name) == 0


@given(st.text(max_size=40).filter(lambda path: path.strip("/")))
def test_any_path_can_be_read(path: str) -> None:
    names = path_names(path)
    assert names.stem
    assert all(0 <= value <= 1 for value in names.flags)


def test_only_the_last_part_of_a_name_counts() -> None:
    assert name_words("Session.closePool") == ("close", "pool")


@given(words, words)
def test_likeness_goes_both_ways_and_is_highest_for_the_same(one: str, other: str) -> None:
    assert likeness(one, other) == likeness(other, one)
    assert 0 <= likeness(one, other) <= likeness(one, one) == 1


def test_an_ending_or_a_slip_behind_a_long_beginning_is_forgiven() -> None:
    assert likeness("config", "configur") > likeness("configrua", "configur") > 0
    assert likeness("cat", "dog") == likeness("constant", "contract") == 0
