from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kibitz.indexer import hot
from kibitz.indexer.hot import HotCopy, definition_key, is_aside, mixed, path_terms, quantised, similarities
from kibitz.indexer.manifest import Entry, Manifest, Stamp
from kibitz.indexer.store import Coded, Columns
from kibitz.indexer.terms import pack, term_id, terms_of
from tests.fakes.embedder import HashEmbedder

STAMP = Stamp(1, 1, 1)
TEXTS = {"b1": ["def alpha(): pass", "class Beta: pass"], "b2": ["gamma gamma"]}
DEFINES = {"def alpha(): pass": ["alpha"], "class Beta: pass": ["Beta", "Beta.run"], "gamma gamma": []}


def coded(values: list[str]) -> Coded:
    names = sorted(set(values))
    return Coded(np.array([names.index(value) for value in values], np.int32), names)


def columns(embedder: HashEmbedder) -> Columns:
    """A table's rows, not in order."""
    rows = [(blob, at, text) for blob, texts in TEXTS.items() for at, text in enumerate(texts)][::-1]
    terms = [pack(terms_of(text)) for _, _, text in rows]
    defines = [DEFINES[text] for _, _, text in rows]
    return Columns(
        blob=coded([blob for blob, _, _ in rows]),
        ordinal=np.array([at for _, at, _ in rows], np.int32),
        start=np.array([at * 10 for _, at, _ in rows], np.int32),
        end=np.array([at * 10 + 5 for _, at, _ in rows], np.int32),
        kind=coded(["function"] * 3),
        language=coded(["python"] * 3),
        symbol=coded(["", "Beta", "alpha"]),
        define_offsets=np.cumsum([0, *map(len, defines)]).astype(np.int64),
        define=coded([name for names in defines for name in names]),
        term_offsets=np.cumsum([0, *(len(one.ids) for one in terms)]).astype(np.int64),
        terms=np.array([term for one in terms for term in one.ids], np.uint32),
        counts=np.array([count for one in terms for count in one.counts], np.uint8),
        vectors=embedder.embed([text for _, _, text in rows]).astype(np.float16),
    )


def manifest(**files: str) -> Manifest:
    return Manifest("/w", {path: Entry(blob, STAMP, len(TEXTS.get(blob, []))) for path, blob in files.items()})


@pytest.fixture
def copy(tmp_path: Path) -> HotCopy:
    embedder = HashEmbedder()
    files = manifest(**{"z/one.py": "b1", "a/two_words.py": "b2", "m/again.py": "b2", "empty.py": "b0"})
    hot.save(tmp_path / "x.hot", hot.build(files, columns(embedder), embedder))
    return hot.load(tmp_path / "x.hot")


def test_chunks_stand_in_the_order_of_paths_and_lines(copy: HotCopy) -> None:
    assert copy.paths == ["a/two_words.py", "m/again.py", "z/one.py"]
    assert copy.first.tolist() == [0, 1, 2, 4]
    assert copy.file_of.tolist() == [0, 1, 2, 2]
    assert copy.spans.tolist() == [[0, 5], [0, 5], [0, 5], [10, 15]]


def test_a_chunk_comes_back_with_its_names(copy: HotCopy) -> None:
    chunk = copy.chunk(3, "z/one.py", "class Beta: pass")
    assert (chunk.symbol, chunk.defines, chunk.kind, chunk.language) == (
        "Beta", ("Beta", "Beta.run"), "function", "python",
    )  # fmt: skip


def test_terms_of_texts_and_paths_lead_to_chunks(copy: HotCopy) -> None:
    assert [part.tolist() for part in copy.body.get(term_id("gamma"))] == [[0, 1], [2, 2]]
    assert [part.tolist() for part in copy.body.get(term_id("two"))] == [[0], [2]]
    assert copy.body.get(term_id("z"))[0].tolist() == []
    assert copy.lengths[0] == 2 + 2 * 3


def test_names_of_files_and_folders_lead_to_files(copy: HotCopy) -> None:
    assert copy.stems.get(term_id("twoword"))[0].tolist() == []
    assert copy.stems.get(term_id("word"))[0].tolist() == [0]
    assert copy.stem_words.tolist() == [3, 1, 1]


def test_a_definition_is_found_by_its_last_name_in_any_spelling(copy: HotCopy) -> None:
    assert copy.definitions.get(definition_key("beta"))[0].tolist() == [3]
    assert copy.definitions.get(definition_key("Other::RUN"))[0].tolist() == [3]
    assert definition_key("getUser") == definition_key("get_user")


def test_a_manifest_that_the_table_does_not_bear_out_is_refused() -> None:
    embedder = HashEmbedder()
    with pytest.raises(KeyError):
        hot.build(Manifest("/w", {"a.py": Entry("unknown", STAMP, 1)}), columns(embedder), embedder)
    with pytest.raises(KeyError):
        hot.build(Manifest("/w", {"a.py": Entry("b1", STAMP, 3)}), columns(embedder), embedder)


def test_nothing_indexed_has_a_hot_copy_too(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    hot.save(tmp_path / "x.hot", hot.build(manifest(), columns(embedder), embedder))
    copy = hot.load(tmp_path / "x.hot")
    assert copy.paths == []
    assert len(similarities(copy, embedder.embed_query("x"))) == 0


def test_similarities_are_those_of_the_mixed_vectors(copy: HotCopy) -> None:
    embedder = HashEmbedder()
    bodies = embedder.embed(["gamma gamma", "gamma gamma", *TEXTS["b1"]]).astype(np.float16)
    wanted = mixed(bodies, embedder.embed_paths(copy.paths), copy.file_of)
    question = embedder.embed_query("class gamma")
    assert np.allclose(similarities(copy, question), wanted @ question, atol=0.02)


def test_without_path_vectors_a_chunk_is_its_text() -> None:
    bodies = np.array([[3, 4], [0, 0]], np.float16)
    assert np.allclose(mixed(bodies, None, np.array([0, 0])), np.array([[0.6, 0.8], [0, 0]]))


@given(arrays.arrays(np.float32, (5, 8), elements=st.floats(-1, 1, width=32)))
def test_a_byte_a_number_is_off_by_half_a_step_at_most(
    vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]],
) -> None:
    numbers, scales = quantised(vectors)
    error = np.abs(numbers * scales[:, None] - vectors)
    assert (error <= np.abs(vectors).max(axis=1, keepdims=True) / 127 * 0.51 + 1e-7).all()


def test_only_the_nearest_folders_count() -> None:
    stems, folders = path_terms("one/two/three/four/five/the_file.test.py")
    assert stems.keys() == {term_id("the"), term_id("file"), term_id("thefile")}
    assert folders.keys() == {term_id(word) for word in ("two", "three", "four", "five")}


@pytest.mark.parametrize(
    ("path", "aside"),
    [
        ("tests/unit/test_x.py", True),
        ("src/app/session_test.go", True),
        ("src/__tests__/a.js", True),
        ("examples/basic.rs", True),
        ("src/testimony.py", False),
        ("src/latest.py", False),
    ],
)
def test_tests_and_examples_are_known_by_their_paths(path: str, aside: bool) -> None:
    assert is_aside(path) == aside


def test_a_name_with_a_nul_in_it_moves_no_other_name(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    rows = replace(columns(embedder), symbol=coded(["", "A\0heading", "alpha"]))
    hot.save(tmp_path / "x.hot", hot.build(manifest(**{"a.md": "b1", "b.md": "b2"}), rows, embedder))
    copy = hot.load(tmp_path / "x.hot")
    assert [copy.chunk(number, "", "").symbol for number in range(3)] == ["alpha", "Aheading", ""]


def test_vectors_are_the_same_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    bodies, paths = random.normal(size=(70, 32)).astype(np.float16), random.normal(size=(7, 32)).astype(np.float32)
    file_of = np.repeat(np.arange(7), 10)
    vectors, scales = hot._vectors(bodies, np.arange(70), paths, file_of)
    monkeypatch.setattr(hot, "BLOCK_NUMBERS", 96)
    few_vectors, few_scales = hot._vectors(bodies, np.arange(70), paths, file_of)
    assert np.array_equal(vectors, few_vectors)
    assert np.array_equal(scales, few_scales)
