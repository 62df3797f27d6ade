"""The hot copy: what a question needs of one workspace, in one memory-mapped file beside the table.

It follows from the table and the manifest alone, is named by the manifest's digest, and can be thrown away at any
time. Chunks stand in the order of their files' paths, so that the chunks of a file are side by side.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.embed import Embedder
from kibitz.indexer.lexical import Postings, invert
from kibitz.indexer.manifest import Manifest
from kibitz.indexer.mapped import Array, open_arrays, write_arrays
from kibitz.indexer.store import Coded, Columns
from kibitz.indexer.terms import joined, split, term_id, terms_of
from kibitz.indexer.types import Chunk, Span

FORMAT = 1
PATH_WEIGHT = 0.5  # of a file's unit path vector, added to a chunk's unit vector
FOLDERS = 4  # how many of a file's nearest folders count: those above them are shared by nearly all
# Numbers turned to floats at a time: they stay in the processor's cache, and memory stays small. Much larger products
# are shared out to threads by numpy's BLAS, whose waiting costs tens of milliseconds where the processor is busy.
BLOCK_NUMBERS = 1 << 17
STEM_TIMES = 2  # a word of the file's name counts like so many in its text

_ASIDE_WORDS = """
    bench benches benchmark benchmarks demo demos example examples fixture fixtures mock mocks sample samples spec specs
    test testdata testing tests
"""
ASIDE_WORDS = frozenset(_ASIDE_WORDS.split())

_NAME_END = re.compile(r"[^.:#/]+$")


@dataclass(frozen=True)
class HotCopy:
    """One workspace's chunks, ready for questions: n chunks of f files.

    Attributes:
        paths: the files' paths, ascending.
        first: (f + 1,) int64, where each file's chunks begin.
        spans: (n, 2) int32, lines.
        kinds, languages: the names that `codes` (n, 2) uint16 refers to.
        symbols: (n,) int32 into the names.
        define_offsets, defines: chunk i defines `defines[offsets[i]:offsets[i + 1]]`, int32 into the names.
        lengths: (n,) float32, terms in each chunk.
        body: terms to chunks.
        definitions: joined names of definitions to chunks.
        stems, folders: terms of file names and folders to files.
        vectors: (n, dim) int8; row i's true values are `vectors[i] * scales[i]`.
    """

    paths: list[str]
    first: NDArray[np.int64]
    spans: NDArray[np.int32]
    kinds: list[str]
    languages: list[str]
    codes: NDArray[np.uint16]
    symbols: NDArray[np.int32]
    define_offsets: NDArray[np.int64]
    defines: NDArray[np.int32]
    packed_names: Array
    lengths: NDArray[np.float32]
    body: Postings
    definitions: Postings
    stems: Postings
    folders: Postings
    vectors: NDArray[np.int8]
    scales: NDArray[np.float32]

    @cached_property
    def names(self) -> list[str]:
        """All symbol names."""
        return _unpack(self.packed_names)

    @cached_property
    def between(self) -> NDArray[np.bool_]:
        """Which chunks are code between definitions, (n,)."""
        kind = self.kinds.index("module") if "module" in self.kinds else len(self.kinds)
        found: NDArray[np.bool_] = self.codes[:, 0] == kind
        return found

    @cached_property
    def file_of(self) -> NDArray[np.int64]:
        """Each chunk's file, (n,)."""
        return np.repeat(np.arange(len(self.paths)), np.diff(self.first))

    @cached_property
    def stem_words(self) -> NDArray[np.float32]:
        """How many different terms each file's name has, (f,)."""
        return np.bincount(self.stems.items, minlength=len(self.paths)).astype(np.float32)

    @cached_property
    def aside(self) -> NDArray[np.bool_]:
        """Which files are tests, examples and the like, (f,)."""
        return np.array([is_aside(path) for path in self.paths], bool)

    def chunk(self, number: int, path: str, text: str) -> Chunk:
        """One chunk with its text, which the hot copy does not hold."""
        kind, language = (int(code) for code in self.codes[number])
        named = self.defines[int(self.define_offsets[number]) : int(self.define_offsets[number + 1])]
        return Chunk(
            path=path,
            span=self.span(number),
            text=text,
            kind=self.kinds[kind],
            language=self.languages[language],
            symbol=self.names[int(self.symbols[number])],
            defines=tuple(self.names[int(code)] for code in named),
        )

    def span(self, number: int) -> Span:
        """One chunk's lines."""
        start, end = (int(line) for line in self.spans[number])
        return Span(start, end)


def hot_path(folder: Path, manifest: Manifest) -> Path:
    """Where the hot copy of this state of a workspace stands."""
    return folder / f"{manifest.digest[:32]}-{FORMAT}.hot"


def path_terms(path: str) -> tuple[dict[int, int], dict[int, int]]:
    """The terms of a file's name without its ending, and those of its nearest folders."""
    folder, _, name = path.rpartition("/")
    nearest = folder.split("/")[-FOLDERS:]
    return terms_of(name.lstrip(".").split(".")[0]), terms_of(" ".join(nearest))


def is_aside(path: str) -> bool:
    """Whether a path says that its file is a test, an example or a benchmark."""
    return any(ASIDE_WORDS.intersection(split(part.split(".")[0])) for part in path.split("/"))


def definition_key(name: str) -> int:
    """The id of a definition's name: its last part, spelt the same in every naming convention."""
    last = _NAME_END.search(name)
    return term_id(joined(last.group() if last else name))


def build(manifest: Manifest, columns: Columns, embedder: Embedder) -> dict[str, Array | list[str]]:
    """Everything a hot copy holds, from the table's rows.

    Raises:
        KeyError: a blob of the manifest has no rows, or not as many as the manifest says.
    """
    paths, first, rows = _rows(manifest, columns)
    file_of = np.repeat(np.arange(len(paths)), np.diff(first))
    defined_at, define_rows = _gather(columns.define_offsets, rows)
    terms_at, term_rows = _gather(columns.term_offsets, rows)
    ids, counts = columns.terms[term_rows], columns.counts[term_rows]
    chunk_of = np.repeat(np.arange(len(rows), dtype=np.uint32), np.diff(terms_at))
    stems, folders = _path_postings(paths)
    ids, chunk_of, counts = _with_paths((ids, chunk_of, counts), (stems, folders), first)
    names, symbols, defines = _names(columns, rows, define_rows)
    keys = np.array([definition_key(name) for name in columns.define.names], np.uint32)
    defining = np.repeat(np.arange(len(rows)), np.diff(defined_at))
    defined = columns.define.codes[define_rows]
    vectors, scales = _vectors(columns.vectors, rows, embedder.embed_paths(paths), file_of)
    return {
        "paths": paths,
        "first": first,
        "spans": np.stack([columns.start[rows], columns.end[rows]], axis=1),
        "codes": np.stack([columns.kind.codes[rows], columns.language.codes[rows]], axis=1).astype(np.uint16),
        "kinds": columns.kind.names,
        "languages": columns.language.names,
        "symbols": symbols,
        "define_offsets": defined_at,
        "defines": defines,
        "names": names,
        "lengths": np.bincount(chunk_of, weights=counts, minlength=len(rows)).astype(np.float32),
        **_flat("body", invert(ids, chunk_of, counts)),
        **_flat("definitions", invert(keys[defined], defining.astype(np.uint32), np.ones(len(defining), np.uint8))),
        **_flat("stems", stems),
        **_flat("folders", folders),
        "vectors": vectors,
        "scales": scales,
    }


def save(path: Path, parts: Mapping[str, Array | list[str]]) -> None:
    """Write a hot copy in one step."""
    arrays = {name: part if isinstance(part, np.ndarray) else _pack(part) for name, part in parts.items()}
    write_arrays(path, arrays, {"format": FORMAT})


def load(path: Path) -> HotCopy:
    """Map a hot copy; DamagedFileError when there is none that can be read."""
    arrays, _ = open_arrays(path)

    def postings(name: str) -> Postings:
        return Postings(*(arrays[f"{name}.{part}"] for part in ("keys", "offsets", "items", "counts")))

    return HotCopy(
        paths=_unpack(arrays["paths"]),
        first=arrays["first"],
        spans=arrays["spans"],
        kinds=_unpack(arrays["kinds"]),
        languages=_unpack(arrays["languages"]),
        codes=arrays["codes"],
        symbols=arrays["symbols"],
        define_offsets=arrays["define_offsets"],
        defines=arrays["defines"],
        packed_names=arrays["names"],
        lengths=arrays["lengths"],
        body=postings("body"),
        definitions=postings("definitions"),
        stems=postings("stems"),
        folders=postings("folders"),
        vectors=arrays["vectors"],
        scales=arrays["scales"],
    )


def mixed(
    bodies: NDArray[np.float16], paths: NDArray[np.float32] | None, file_of: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Chunk vectors with their file's path vector in them, unit length: (n, dim)."""
    vectors = _unit(bodies.astype(np.float32))
    if paths is None:
        return vectors
    return _unit(vectors + np.float32(PATH_WEIGHT) * _unit(paths)[file_of])


def quantised(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Vectors in a byte a number, with a scale a row: the largest value of a row becomes 127."""
    scales = np.abs(vectors).max(axis=1, initial=0.0) / np.float32(127)
    safe = np.where(scales > 0, scales, np.float32(1))
    return np.rint(vectors / safe[:, None]).astype(np.int8), scales.astype(np.float32)


def similarities(hot: HotCopy, question: NDArray[np.float32]) -> NDArray[np.float32]:
    """The dot product of a question's vector (dim,) with each chunk's, (n,)."""
    found = np.empty(len(hot.scales), np.float32)
    for block in _blocks(hot.vectors.shape):
        found[block] = hot.vectors[block].astype(np.float32) @ question
    return found * hot.scales


def _blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """The rows of a matrix, so many at a time that they have BLOCK_NUMBERS at most."""
    rows, columns = shape
    size = max(1, BLOCK_NUMBERS // max(1, columns))
    return (slice(at, at + size) for at in range(0, rows, size))


def _vectors(
    bodies: NDArray[np.float16],
    rows: NDArray[np.int64],
    paths: NDArray[np.float32] | None,
    file_of: NDArray[np.int64],
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """The mixed vectors of the table's `rows` in a byte a number, and their scales."""
    vectors, scales = np.empty((len(rows), bodies.shape[1]), np.int8), np.empty(len(rows), np.float32)
    for block in _blocks(vectors.shape):
        vectors[block], scales[block] = quantised(mixed(bodies[rows[block]], paths, file_of[block]))
    return vectors, scales


def _rows(manifest: Manifest, columns: Columns) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """The files that have chunks, where each one's chunks begin, and the table's row of each chunk."""
    order = np.lexsort((columns.ordinal, columns.blob.codes))
    begins = np.searchsorted(columns.blob.codes[order], np.arange(len(columns.blob.names) + 1))
    code_of = {name: code for code, name in enumerate(columns.blob.names)}
    paths = [path for path in sorted(manifest.files) if manifest.files[path].chunks]
    entries = [manifest.files[path] for path in paths]
    codes = np.array([code_of[entry.blob] for entry in entries], np.int64)
    sizes = np.array([entry.chunks for entry in entries], np.int64)
    if len(codes) and not np.array_equal(begins[codes + 1] - begins[codes], sizes):
        raise KeyError("a blob has not the rows that the manifest says")
    first = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    rows = order[_ranges(begins[codes], sizes)] if len(codes) else np.zeros(0, np.int64)
    return paths, first, rows


def _ranges(starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """All of `starts[i], starts[i] + 1, ...`, `sizes[i]` numbers each, one after the other."""
    ends = np.cumsum(sizes)
    shifted: NDArray[np.int64] = np.repeat(starts - (ends - sizes), sizes)
    return shifted + np.arange(len(shifted))


def _gather(offsets: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A ragged column's parts for `rows`: their new offsets, and where their values stood."""
    sizes = offsets[rows + 1] - offsets[rows]
    return np.concatenate(([0], np.cumsum(sizes))).astype(np.int64), _ranges(offsets[rows], sizes)


def _path_postings(paths: list[str]) -> tuple[Postings, Postings]:
    made: list[Postings] = []
    split_paths = [path_terms(path) for path in paths]
    for side in (0, 1):
        keys = [key for one in split_paths for key in one[side]]
        counts = [min(count, 255) for one in split_paths for count in one[side].values()]
        files = np.repeat(np.arange(len(paths)), [len(one[side]) for one in split_paths])
        made.append(invert(np.array(keys, np.uint32), files.astype(np.uint32), np.array(counts, np.uint8)))
    return made[0], made[1]


_Triples = tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint8]]


def _with_paths(body: _Triples, words: tuple[Postings, Postings], first: NDArray[np.int64]) -> _Triples:
    """(term, chunk, count) of the chunks' texts, and with them those of their files' paths."""
    terms, chunks, counts = [body[0]], [body[1]], [body[2]]
    for postings, times in zip(words, (STEM_TIMES, 1), strict=True):
        files = postings.items.astype(np.int64)
        sizes = first[files + 1] - first[files]
        of_key = np.repeat(postings.keys, np.diff(postings.offsets))
        terms.append(np.repeat(of_key, sizes))
        chunks.append(_ranges(first[files], sizes).astype(np.uint32))
        counts.append(np.repeat(np.minimum(postings.counts.astype(np.int64) * times, 255).astype(np.uint8), sizes))
    return np.concatenate(terms), np.concatenate(chunks), np.concatenate(counts)


def _names(
    columns: Columns, rows: NDArray[np.int64], define_rows: NDArray[np.int64]
) -> tuple[list[str], NDArray[np.int32], NDArray[np.int32]]:
    """One list of names for symbols and definitions, and both columns as codes into it."""
    names = list(dict.fromkeys([*columns.symbol.names, *columns.define.names]))
    code_of = {name: code for code, name in enumerate(names)}

    def recoded(coded: Coded, at: NDArray[np.int64]) -> NDArray[np.int32]:
        return np.array([code_of[name] for name in coded.names], np.int32)[coded.codes[at]]

    return names, recoded(columns.symbol, rows), recoded(columns.define, define_rows)


def _flat(name: str, postings: Postings) -> dict[str, Array]:
    return {
        f"{name}.keys": postings.keys,
        f"{name}.offsets": postings.offsets,
        f"{name}.items": postings.items,
        f"{name}.counts": postings.counts,
    }


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)


def _pack(strings: list[str]) -> NDArray[np.uint8]:
    """Strings in one array of bytes, with a NUL behind each: those of a heading that holds one are dropped."""
    return np.frombuffer(
        "".join(s.replace("\0", "") + "\0" for s in strings).encode("utf-8", "surrogatepass"), np.uint8
    )


def _unpack(packed: Array) -> list[str]:
    return packed.tobytes().decode("utf-8", "surrogatepass").split("\0")[:-1]
