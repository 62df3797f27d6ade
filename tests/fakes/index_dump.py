"""All that an index knows of a workspace, in a form that two indexes can be compared by.

How files are spread over segments, in which order they stand there and which dead ones are left does not show.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kibitz.indexer import segment
from kibitz.indexer.embed import Embedder
from kibitz.indexer.layout import Places, places
from kibitz.indexer.lexical import Postings
from kibitz.indexer.manifest import load
from kibitz.indexer.segment import Segment

Counts = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class DumpedChunk:
    """One chunk; `terms`, `definitions` and `references` are its keys, ascending, and how often it has each."""

    span: tuple[int, int]
    kind: str
    language: str
    symbol: str
    defines: tuple[str, ...]
    terms: Counts
    definitions: Counts
    references: Counts
    length: float
    vector: bytes
    scale: float
    lacking: bool


@dataclass(frozen=True, slots=True)
class DumpedFile:
    """One indexed file; `stems` and `folders` are the keys of its path."""

    blob: str
    chunks: tuple[DumpedChunk, ...] = ()
    stems: Counts = ()
    folders: Counts = ()
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table, without what is derived of it."""

    blob: str
    ordinal: int
    key: int
    vector: bytes


@dataclass(frozen=True, slots=True)
class Dump:
    """The living files by path, the rules of those that were read and left out, and the living blobs' rows."""

    files: Mapping[str, DumpedFile]
    passed: Mapping[str, str]
    rows: tuple[Row, ...]


def dump_index(root: Path, *, cache_dir: Path, embedder: Embedder, table: bool = True) -> Dump:
    """What the index of a workspace holds; `table` says whether the table is opened.

    AssertionError when there is none, or when it is at odds with itself.
    """
    at = places(root, cache_dir, embedder)
    manifest = load(at.manifest(root))
    assert manifest is not None, "there is no manifest"
    segments = [(segment.load(at.hot, held.segment, check=True), held.dead) for held in manifest.head.segments]
    found = dump_parts(segments)
    for path, entry in manifest.files.items():
        if not entry.chunks:
            assert path not in found, f"{path} is empty and in a segment"
            found[path] = DumpedFile(entry.blob)
    named = {path: (entry.blob, entry.chunks) for path, entry in manifest.files.items()}
    assert named == {path: (file.blob, len(file.chunks)) for path, file in found.items()}
    assert manifest.head.chunks == sum(len(file.chunks) for file in found.values())
    assert manifest.head.lacking == sum(chunk.lacking for file in found.values() for chunk in file.chunks)
    passed = {path: one.rule for path, one in manifest.passed.items()}
    return Dump(dict(sorted(found.items())), passed, _rows(at, manifest.blobs()) if table else ())


def dump_parts(parts: Iterable[tuple[Segment, Sequence[int]]]) -> dict[str, DumpedFile]:
    """The living files of segments, as a reader's view has them; those without chunks are in none."""
    found: dict[str, DumpedFile] = {}
    for one, dead in parts:
        for path, file in _files(one, set(dead)).items():
            assert path not in found, f"{path} is in two segments"
            found[path] = file
    return found


def _files(one: Segment, dead: set[int]) -> dict[str, DumpedFile]:
    """The living files of a segment."""
    chunks = _chunks(one)
    count = len(one.paths)
    stems, folders = _turned(one.stems, count), _turned(one.folders, count)
    first = one.first.tolist()
    return {
        path: DumpedFile(
            one.blobs[at], tuple(chunks[first[at] : first[at + 1]]), stems[at], folders[at], bool(one.aside[at])
        )
        for at, path in enumerate(one.paths)
        if at not in dead
    }


def _chunks(one: Segment) -> list[DumpedChunk]:
    count = len(one.spans)
    terms, definitions, references = (_turned(of, count) for of in (one.body, one.definitions, one.references))
    found: list[DumpedChunk] = []
    for number in range(count):
        chunk = one.chunk(number, "", "")
        found.append(
            DumpedChunk(
                span=(chunk.span.start, chunk.span.end),
                kind=chunk.kind,
                language=chunk.language,
                symbol=chunk.symbol,
                defines=chunk.defines,
                terms=terms[number],
                definitions=definitions[number],
                references=references[number],
                length=float(one.lengths[number]),
                vector=one.vectors[number].tobytes(),
                scale=float(one.scales[number]),
                lacking=bool(len(one.lacking) and one.lacking[number]),
            )
        )
    return found


def _turned(postings: Postings, count: int) -> list[Counts]:
    """Each item's keys and how often it has them."""
    triples = postings.triples()
    found: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for key, item, times in zip(triples.keys.tolist(), triples.items.tolist(), triples.counts.tolist(), strict=True):
        found[item].append((key, times))
    return [tuple(sorted(each)) for each in found]


def _rows(at: Places, blobs: set[str]) -> tuple[Row, ...]:
    """The table's rows of some blobs; none where there is no table."""
    import lancedb

    if not (at.table / "chunks.lance").exists():
        return ()
    got = lancedb.connect(str(at.table)).open_table("chunks").to_arrow()
    vectors = got.column("vector").combine_chunks().flatten().to_numpy().astype(np.int8)
    blob, ordinal, key = (got.column(name).to_pylist() for name in ("blob", "ordinal", "key"))
    rows = zip(blob, ordinal, key, vectors.reshape(-1, got.schema.field("vector").type.list_size), strict=True)
    return tuple(sorted((Row(b, o, k, v.tobytes()) for b, o, k, v in rows if b in blobs), key=_order))


def _order(row: Row) -> tuple[str, int, int]:
    return row.blob, row.ordinal, row.key


def differences(got: Dump, wanted: Dump) -> list[str]:
    """What sets two dumps apart, a sentence each; for a test's message, since dumps are long."""
    found = [f"{path} is missing" for path in wanted.files.keys() - got.files.keys()]
    found += [f"{path} is too many" for path in got.files.keys() - wanted.files.keys()]
    for path in got.files.keys() & wanted.files.keys():
        mine, other = got.files[path], wanted.files[path]
        if mine != other:
            parts = [name for name in DumpedFile.__slots__ if getattr(mine, name) != getattr(other, name)]
            found.append(f"{path} differs in {', '.join(parts)}")
    if got.passed != wanted.passed:
        found.append(f"left out are {dict(got.passed)}, not {dict(wanted.passed)}")
    mine_rows, other_rows = set(got.rows), set(wanted.rows)
    found += [f"a row of {row.blob} is missing" for row in other_rows - mine_rows]
    found += [f"a row of {row.blob} is wrong" for row in mine_rows - other_rows]
    if len(got.rows) != len(mine_rows):
        found.append("rows are there twice")
    return sorted(found)
