"""Keys of definitions and references that join."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.imports import FILE
from kibitz.indexer.links import as_reference, value_of
from kibitz.indexer.queries import REFERENCE_KINDS
from kibitz.indexer.segment import file_key, name_key, reference_key
from kibitz.indexer.terms import term_id

names = st.text(min_size=1, max_size=30) | st.from_regex(r"[A-Za-z_]\w{0,20}", fullmatch=True)


@given(st.lists(names, min_size=1, max_size=5), st.sampled_from(REFERENCE_KINDS))
def test_the_key_of_a_reference_follows_from_that_of_the_definition(spelt: list[str], kind: str) -> None:
    keys = np.array([*map(name_key, spelt)], np.uint32)
    assert as_reference(keys, kind).tolist() == [reference_key(kind, name) for name in spelt]


@given(st.lists(st.text(max_size=300), min_size=1, max_size=5))
def test_so_does_that_of_an_import_from_the_name_of_a_file(spelt: list[str]) -> None:
    keys = np.array([*map(term_id, spelt)], np.uint32)
    assert as_reference(keys, FILE).tolist() == [*map(file_key, spelt)]


def test_a_type_is_not_what_a_variable_of_that_name_refers_to() -> None:
    assert name_key("Pool") != name_key("pool")
    assert name_key("get_user") == name_key("getUser")
    assert name_key("HTTPServer") == name_key("Http_Server")


@pytest.mark.parametrize(
    ("name", "other"), [("close_pool", "close"), ("ConnectionPool", "Pool"), ("close", "_close"), ("len", "__len__")]
)
def test_a_telling_name_weighs_more(name: str, other: str) -> None:
    assert value_of(name) > value_of(other)
