from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.indexer import segment
from kibitz.indexer.keys import definition_key, reference_key
from kibitz.indexer.mapped import DamagedFileError, open_arrays, write_arrays
from kibitz.indexer.piece import Piece, joined
from kibitz.indexer.ragged import Ints
from kibitz.indexer.segment import Segment, in_memory, is_aside, path_terms
from kibitz.indexer.terms import term_id
from kibitz.indexer.types import Span
from tests.fakes.pieces import parsed, piece_of, trees

TREE = {
    "z/one.py": ["alpha beta gamma", "Beta"],
    "a/two_words.py": ["gamma gamma"],
    "m/again.py": ["gamma gamma"],
    "empty.py": [],
}


@pytest.fixture
def kept(tmp_path: Path) -> Segment:
    return segment.load(tmp_path, segment.write(tmp_path, [piece_of(TREE)]), check=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("segments")


def everything(one: Segment) -> Ints:
    return np.arange(len(one.paths))


def written(folder: Path, *pieces: Piece) -> tuple[str, bytes]:
    name = segment.write(folder, list(pieces))
    data = (folder / name).read_bytes()
    (folder / name).unlink()
    return name, data


def test_chunks_stand_in_the_order_of_paths_and_lines(kept: Segment) -> None:
    assert kept.paths == ["a/two_words.py", "m/again.py", "z/one.py"]
    assert kept.first.tolist() == [0, 1, 2, 4]
    assert kept.spans.tolist() == [[0, 5], [0, 5], [0, 5], [10, 15]]
    assert kept.span(3) == Span(10, 15)


@given(trees)
def test_a_chunk_comes_back_with_its_names(tree: dict[str, list[str]]) -> None:
    one = in_memory(piece_of(tree))
    number = 0
    for path in sorted(tree):
        for wanted in parsed(path, tree[path]).chunks:
            assert one.chunk(number, path, wanted.text) == replace(wanted, references=())
            number += 1
    assert number == len(one.spans)


def test_terms_of_texts_and_paths_lead_to_chunks(kept: Segment) -> None:
    assert [part.tolist() for part in kept.body.get(term_id("gamma"))] == [[0, 1, 2], [5, 5, 1]]  # their symbol as well
    assert [part.tolist() for part in kept.body.get(term_id("two"))] == [[0], [2]]
    assert kept.body.get(term_id("z"))[0].tolist() == []
    out = kept.body.triples()
    assert kept.lengths.tolist() == [out.counts[out.items == chunk].sum() for chunk in range(4)]


def test_names_of_files_and_folders_lead_to_files(kept: Segment) -> None:
    assert kept.stems.get(term_id("twoword"))[0].tolist() == []
    assert kept.stems.get(term_id("word"))[0].tolist() == [0]
    assert kept.stem_words.tolist() == [3, 1, 1]


def test_a_definition_is_found_by_its_last_name_in_any_spelling(kept: Segment) -> None:
    assert kept.definitions.get(definition_key("beta"))[0].tolist() == [2, 3]
    assert kept.definitions.get(definition_key("Other::BETA"))[0].tolist() == [2, 3]
    assert definition_key("getUser") == definition_key("get_user")


def test_a_reference_is_found_by_its_kind_and_name(kept: Segment) -> None:
    assert kept.references.get(reference_key("call", "gamma"))[0].tolist() == [2]
    assert kept.references.get(reference_key("call", "Gamma"))[0].tolist() == []
    assert kept.references.get(reference_key("import", "gamma"))[0].tolist() == []
    assert reference_key("call", "a.getUser") == reference_key("call", "get_user")


def test_nothing_indexed_makes_a_segment_too(tmp_path: Path) -> None:
    one = segment.load(tmp_path, segment.write(tmp_path, [piece_of({"empty.py": []})]))
    assert (one.paths, len(one.spans)) == ([], 0)


@settings(deadline=None)
@given(trees, st.sets(st.integers(0, 4)))
def test_a_segment_that_is_written_again_is_the_same_to_the_byte(
    folder: Path, tree: dict[str, list[str]], without: set[int]
) -> None:
    lacking = [path for at, path in enumerate(sorted(tree)) if at in without]
    name = segment.write(folder, [piece_of(tree, lacking=lacking)])
    before = (folder / name).read_bytes()
    one = segment.load(folder, name, check=True)
    again = one.piece(everything(one))
    (folder / name).unlink()
    assert written(folder, again) == (name, before)


@settings(deadline=None)
@given(trees, st.sets(st.integers(0, 4)), st.sets(st.integers(0, 4)))
def test_some_files_of_a_segment_are_what_they_are_alone(
    folder: Path, tree: dict[str, list[str]], chosen: set[int], without: set[int]
) -> None:
    lacking = [path for at, path in enumerate(sorted(tree)) if at in without]
    one = in_memory(piece_of(tree, lacking=lacking))
    taken = [at for at in range(len(one.paths)) if at in chosen]
    alone = {one.paths[at]: tree[one.paths[at]] for at in taken}
    assert written(folder, one.piece(np.array(taken, np.int64))) == written(folder, piece_of(alone, lacking=lacking))


@settings(deadline=None)
@given(trees, trees)
def test_several_pieces_make_what_all_their_files_make(
    folder: Path, one: dict[str, list[str]], other: dict[str, list[str]]
) -> None:
    other = {path: texts for path, texts in other.items() if path not in one}
    assert written(folder, piece_of(one), piece_of(other)) == written(folder, piece_of({**other, **one}))
    assert written(folder, joined([piece_of(one), piece_of(other)])) == written(folder, piece_of(one | other))


@given(trees, trees)
def test_names_are_equal_just_when_the_files_are(one: dict[str, list[str]], other: dict[str, list[str]]) -> None:
    def holding(tree: dict[str, list[str]]) -> dict[str, list[str]]:
        return {path: tree[path] for path in sorted(tree) if tree[path]}

    names = [segment.segment_name(piece_of(holding(tree))) for tree in (one, other)]
    assert (names[0] == names[1]) == (holding(one) == holding(other))


def test_a_segment_that_lacks_vectors_is_another(tmp_path: Path) -> None:
    whole = segment.write(tmp_path, [piece_of(TREE)])
    part = segment.write(tmp_path, [piece_of(TREE, lacking=["m/again.py"])])
    assert whole != part
    assert segment.load(tmp_path, part).lacking.tolist() == [False, True, False, False]
    assert (
        segment.load(tmp_path, part).keys.tolist()
        == segment.in_memory(piece_of(TREE, lacking=list(TREE))).keys.tolist()
    )
    assert len(segment.load(tmp_path, whole).keys) == 0


def test_a_segment_that_is_there_is_not_written_again_and_a_damaged_one_is(tmp_path: Path) -> None:
    name = segment.write(tmp_path, [piece_of(TREE)])
    before = (tmp_path / name).stat()
    assert segment.write(tmp_path, [piece_of(TREE)]) == name
    assert (tmp_path / name).stat().st_mtime_ns == before.st_mtime_ns
    whole = (tmp_path / name).read_bytes()
    vectors = whole.index(segment.load(tmp_path, name).vectors.tobytes())
    (tmp_path / name).write_bytes(whole[:vectors] + b"??" + whole[vectors + 2 :])
    segment.write(tmp_path, [piece_of(TREE)])
    assert (tmp_path / name).read_bytes() == whole


def test_one_that_is_not_there_or_damaged_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DamagedFileError):
        segment.load(tmp_path, "none.seg")
    name = segment.write(tmp_path, [piece_of(TREE)])
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-1])
    with pytest.raises(DamagedFileError):
        segment.load(tmp_path, name)


def test_one_of_another_format_is_refused(tmp_path: Path) -> None:
    name = segment.write(tmp_path, [piece_of(TREE)])
    arrays = open_arrays(tmp_path / name)[0]
    write_arrays(tmp_path / "before.seg", arrays, {"format": segment.FORMAT - 1})
    with pytest.raises(DamagedFileError, match="another format"):
        segment.load(tmp_path, "before.seg")


def test_a_name_with_a_nul_in_it_moves_no_other_name(tmp_path: Path) -> None:
    piece = piece_of({"a.md": ["alpha", "beta"], "b.md": ["gamma"]})
    piece = replace(piece, symbols=["", "A\0heading", "alpha"])
    one = segment.load(tmp_path, segment.write(tmp_path, [piece]))
    assert [one.chunk(number, "", "").symbol for number in range(3)] == ["", "Aheading", "alpha"]


def test_a_path_that_is_not_valid_unicode_comes_back(tmp_path: Path) -> None:
    piece = replace(piece_of({"a.py": ["alpha"]}), paths=["a/\udcff.py"])
    assert segment.load(tmp_path, segment.write(tmp_path, [piece])).paths == ["a/\udcff.py"]


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
