import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kibitz.indexer import vectors
from kibitz.indexer.vectors import PATH_WEIGHT, Floats, mixed, quantised, scales_of, similarities, unit

ROWS = arrays.arrays(np.float32, (5, 8), elements=st.integers(-1000, 1000).map(lambda number: number / 1000))
# A row's numbers are off by half a step of 1/127 of its largest one: by sqrt(8) / 2 / 127 of its length at most.
OFF = 8**0.5 / 2 / 127


@given(ROWS)
def test_a_byte_a_number_is_off_by_half_a_step_at_most(rows: Floats) -> None:
    steps = np.abs(rows).max(axis=1, keepdims=True) / np.float32(127)
    error = np.abs(quantised(rows) * steps - rows)
    assert (error <= steps * np.float32(0.501) + 1e-7).all()


@given(ROWS)
def test_bytes_are_found_again_from_the_vectors_that_they_stand_for(rows: Floats) -> None:
    numbers = quantised(rows)
    assert np.array_equal(quantised(numbers.astype(np.float32)), numbers)


@given(ROWS, ROWS)
def test_similarities_are_cosines(rows: Floats, questions: Floats) -> None:
    question = unit(questions)[0]
    numbers = quantised(rows)
    got = similarities([(numbers, scales_of(numbers))], question)
    assert np.allclose(got, unit(rows) @ question, atol=2.1 * OFF)  # rows and question are both off


def test_nothing_is_like_nothing() -> None:
    numbers = quantised(np.zeros((2, 8), np.float32))
    assert scales_of(numbers).tolist() == [0, 0]
    assert similarities([(numbers, scales_of(numbers))], np.ones(8, np.float32)).tolist() == [0, 0]


@given(ROWS, ROWS)
def test_a_mixed_vector_leans_to_its_path_as_much_as_it_should(bodies: Floats, paths: Floats) -> None:
    file_of = np.array([0, 0, 1, 2, 4])
    numbers = quantised(bodies)
    exact = unit(numbers.astype(np.float32)) + np.float32(PATH_WEIGHT) * unit(paths)[file_of]
    got = mixed(numbers, paths, file_of).astype(np.float32)
    sure = np.linalg.norm(exact, axis=1) > 1e-3
    cosines = (unit(got) * unit(exact)).sum(axis=1)
    assert (cosines[sure] >= 1 - OFF**2).all()


def test_a_file_without_a_path_vector_keeps_its_chunks() -> None:
    numbers = quantised(np.array([[3, 4], [0, 0]], np.float32))
    assert np.array_equal(mixed(numbers, np.zeros((1, 2), np.float32), np.array([0, 0])), numbers)


def test_vectors_are_the_same_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    bodies, paths = quantised(random.normal(size=(70, 32)).astype(np.float32)), random.normal(size=(7, 32))
    file_of = np.repeat(np.arange(7), 10)
    question = unit(random.normal(size=(1, 32)).astype(np.float32))[0]
    whole = mixed(bodies, paths.astype(np.float32), file_of)
    scores = similarities([(whole, scales_of(whole))], question)
    monkeypatch.setattr(vectors, "BLOCK_NUMBERS", 96)
    assert np.array_equal(mixed(bodies, paths.astype(np.float32), file_of), whole)
    assert np.allclose(similarities([(whole, scales_of(whole))], question), scores, atol=1e-6)


def test_no_vectors_are_like_nothing_at_all() -> None:
    assert len(similarities([(np.zeros((0, 8), np.int8), np.zeros(0, np.float32))], np.ones(8, np.float32))) == 0
