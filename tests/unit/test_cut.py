"""Files to pieces: what a parser process makes of a batch."""

import pickle
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer import cut as cutting
from kibitz.indexer.cut import Blob, Cutter, Parsed, embedded_text, names_of, parse_blob, parse_file, read_blob
from kibitz.indexer.embed import Elsewhere
from kibitz.indexer.keys import reference_key, reference_keys
from kibitz.indexer.piece import Piece, Ragged, joined, key_of
from kibitz.indexer.segment import STEM_TIMES, path_terms
from kibitz.indexer.terms import STOP_WORDS, stem, term_id, terms_of
from kibitz.indexer.types import Chunk, Reference, Span
from kibitz.indexer.vectors import NAME_WEIGHT, quantised
from kibitz.indexer.workspace import Skipped
from tests.fakes.embedder import HashEmbedder
from tests.fakes.pieces import DIM, parsed, piece_of, trees

Tree = dict[str, list[str]]
STOPPED = {term_id(stem(word)) for word in STOP_WORDS}


def all_of(tree: Tree) -> list[Parsed]:
    return [parsed(path, texts) for path, texts in tree.items()]


def terms_of_chunk(chunk: Chunk) -> dict[int, int]:
    """Spelt out: the text, the names in and around it, and the file's path."""
    total: dict[int, int] = {}
    for text in (chunk.text, chunk.symbol, *chunk.defines):
        for term, times in terms_of(text).items():
            if term not in STOPPED:
                total[term] = total.get(term, 0) + times
    name, folders = path_terms(chunk.path)
    for terms, weight in ((name, STEM_TIMES), (folders, 1)):
        for term, times in terms.items():
            total[term] = total.get(term, 0) + weight * times
    return total


def rows_of(ragged: Ragged) -> list[dict[int, int]]:
    pairs = list(zip(ragged.ids.tolist(), ragged.numbers.tolist(), strict=True))
    bounds = ragged.offsets.tolist()
    return [dict(pairs[start:end]) for start, end in pairwise(bounds)]


def same(one: Piece, other: Piece) -> None:
    for name in ("paths", "blobs", "symbols", "defines"):
        assert getattr(one, name) == getattr(other, name)
    for name in ("sizes", "spans", "codes", "keys", "vectors", "lacking"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    for name in ("terms", "references"):
        assert rows_of(getattr(one, name)) == rows_of(getattr(other, name))


@given(trees)
def test_a_piece_says_of_each_chunk_what_a_loop_would(tree: Tree) -> None:
    files = all_of(tree)
    embedder = HashEmbedder(DIM)
    piece = Cutter(embedder).cut(files).piece
    chunks = [chunk for one in files for chunk in one.chunks]
    assert (piece.paths, piece.blobs) == ([one.path for one in files], [one.blob for one in files])
    assert piece.sizes.tolist() == [len(one.chunks) for one in files]
    assert piece.spans.tolist() == [[chunk.span.start, chunk.span.end] for chunk in chunks]
    assert (piece.symbols, piece.defines) == ([c.symbol for c in chunks], [c.defines for c in chunks])
    assert piece.keys.tolist() == [key_of(embedded_text(chunk, header=False)) for chunk in chunks]
    assert rows_of(piece.terms) == [terms_of_chunk(chunk) for chunk in chunks]
    assert rows_of(piece.references) == [
        dict(sorted((reference_key(one.kind, one.name), 1) for one in chunk.references)) for chunk in chunks
    ]
    names = embedder.embed([names_of(chunk) for chunk in chunks])
    assert np.array_equal(
        piece.vectors, quantised(embedder.embed([chunk.text for chunk in chunks]) + NAME_WEIGHT * names)
    )
    assert not piece.lacking.any()


@given(trees, trees)
def test_a_file_comes_out_the_same_whatever_stands_beside_it(one: Tree, other: Tree) -> None:
    other = {path: texts for path, texts in other.items() if path not in one}
    cutter = Cutter(HashEmbedder(DIM))
    together = cutter.cut(all_of(one | other))
    first, second = cutter.cut(all_of(one)), Cutter(HashEmbedder(DIM)).cut(all_of(other))
    same(together.piece, joined([first.piece, second.piece]))
    same(together.with_paths(together.piece), joined([cut.with_paths(cut.piece) for cut in (first, second)]))


@given(trees, st.data())
def test_files_are_taken_from_a_piece_with_all_that_is_theirs(tree: Tree, data: st.DataObject) -> None:
    order = data.draw(st.lists(st.sampled_from(sorted(tree)), unique=True)) if tree else []
    piece = piece_of(tree)
    same(
        piece.take(np.array([piece.paths.index(path) for path in order], np.int64)),
        piece_of({p: tree[p] for p in order}),
    )


@given(trees, st.sets(st.integers(0, 4)))
def test_complete_files_have_chunks_and_lack_no_vector(tree: Tree, without: set[int]) -> None:
    lacking = [path for at, path in enumerate(tree) if at in without]
    piece = piece_of(tree, lacking=lacking)
    wanted = [at for at, path in enumerate(piece.paths) if tree[path] and path not in lacking]
    assert piece.complete().tolist() == wanted


@given(trees, st.data())
def test_known_texts_are_not_embedded(tree: Tree, data: st.DataObject) -> None:
    chunks = [embedded_text(chunk, header=False) for one in all_of(tree) for chunk in one.chunks]
    known = data.draw(st.sets(st.sampled_from(sorted(set(chunks))))) if chunks else set()
    embedder = HashEmbedder(DIM)
    piece = Cutter(embedder).cut(all_of(tree), frozenset(map(key_of, known))).piece
    assert piece.lacking.tolist() == [text in known for text in chunks]
    assert len(embedder.embedded) == 2 * sum(text not in known for text in chunks)  # the text and the names
    assert not piece.vectors[piece.lacking].any()
    whole = Cutter(HashEmbedder(DIM)).cut(all_of(tree)).piece
    assert np.array_equal(piece.vectors[~piece.lacking], whole.vectors[~piece.lacking])


def test_a_vocabulary_that_is_full_in_the_middle_of_a_batch_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = {"a.py": ["session pool", "retry"], "b.py": ["x1 y2 z3"]}
    wanted = piece_of(tree)
    monkeypatch.setattr("kibitz.indexer.words.MAX_KNOWN", 1)
    cutter = Cutter(HashEmbedder(DIM))
    for _ in range(3):
        made = cutter.cut(all_of(tree))
        same(made.with_paths(made.piece), wanted)


def test_what_is_left_out_is_told_with_its_rule() -> None:
    made = Cutter(HashEmbedder()).cut([Parsed("blob.bin", rule="binary"), parsed("a.py", ["session"])])
    assert made.skipped == (("blob.bin", "binary"),)
    assert made.piece.paths == ["a.py"]
    nothing = Cutter(HashEmbedder()).cut([Parsed("hang.py", rule="timeout")])
    assert (nothing.piece.paths, nothing.piece.chunks, nothing.skipped) == ([], 0, (("hang.py", "timeout"),))


def test_an_embedder_that_is_asked_elsewhere_leaves_all_vectors_lacking() -> None:
    made = Cutter(Elsewhere("far", DIM)).cut(all_of({"a.py": ["session", "pool"]}))
    assert made.piece.lacking.tolist() == [True, True]
    assert made.path_vectors is None
    assert made.with_paths(made.piece) is made.piece
    assert made.piece.keys.tolist() == [key_of("a.py\nsession"), key_of("a.py\npool")]


def test_a_path_stands_above_the_text_where_it_has_no_vector() -> None:
    chunk = Chunk("a.py", Span(0, 1), "x = 1\n")
    assert (embedded_text(chunk, header=True), embedded_text(chunk, header=False)) == ("a.py\nx = 1\n", "x = 1\n")


def test_the_same_text_under_another_name_is_another_text() -> None:
    one, other = (Chunk("a.py", Span(0, 1), "x = 1\n", symbol=symbol) for symbol in ("Pool", "Session"))
    assert embedded_text(one, header=False) != embedded_text(other, header=False)
    vectors = Cutter(HashEmbedder(DIM)).cut([Parsed("a.py", "blob", (one, other))]).piece.vectors
    assert not np.array_equal(vectors[0], vectors[1])


def test_references_of_all_kinds_are_kept_once_each() -> None:
    chunk = Chunk(
        "a.py", Span(0, 1), "", references=(Reference("f", "call"), Reference("f", "import"), Reference("f", "call"))
    )
    piece = Cutter(HashEmbedder()).cut([Parsed("a.py", "b", (chunk,))]).piece
    assert piece.references.ids.tolist() == sorted([reference_key("call", "f"), *reference_keys("import", "f")])


def test_a_cut_can_be_sent_to_another_process() -> None:
    made = Cutter(HashEmbedder(DIM)).cut(all_of({"a.py": ["session"]}))
    same(pickle.loads(pickle.dumps(made)).piece, made.piece)


def test_a_file_is_named_by_its_bytes_and_its_grammar(tmp_path: Path) -> None:
    for name in ("a.py", "b.py", "c.txt"):
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "d.py").write_text("x = 2\n")
    blobs = []
    for name in ("a.py", "b.py", "c.txt", "d.py"):
        read = read_blob(tmp_path, name)
        assert isinstance(read, Blob)
        blobs.append(read.blob)
    assert blobs[0] == blobs[1]
    assert len(set(blobs)) == 3
    assert blobs[0].endswith(".python")
    assert blobs[2].endswith(".text")


def test_a_file_that_cannot_be_indexed_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"\0\1")
    assert read_blob(tmp_path, "a.py") == Skipped("a.py", "binary")
    assert parse_file(tmp_path, "a.py") == Parsed("a.py", rule="binary")
    assert parse_file(tmp_path, "gone.py") == Parsed("gone.py", rule="unreadable")


def test_a_file_of_more_chunks_than_a_segment_may_have_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Blob(
        "b", "".join(f"def part_{n}():\n    return compute_{n}(first, second)\n\n\n" for n in range(300)), "python"
    )
    count = len(parse_blob("a.py", read).chunks)
    assert count > 1
    monkeypatch.setattr(cutting, "MOST_FILE_CHUNKS", count - 1)
    assert parse_blob("a.py", read) == Parsed("a.py", rule="size")
