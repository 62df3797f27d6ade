"""A segment of the hot copy: some files of a workspace, ready for questions, in one memory-mapped file.

Segments never change and are named by the files that they hold, so that worktrees and branches share them: a file here
is its path and its content. Which of a segment's files a workspace really has is in its manifest.
"""

import hashlib
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.keys import definition_key
from kibitz.indexer.lexical import Postings, Triples, invert, levelled
from kibitz.indexer.mapped import Array, DamagedFileError, open_arrays, write_arrays
from kibitz.indexer.pathnames import FOLDERS
from kibitz.indexer.piece import Piece, Ragged, described, joined
from kibitz.indexer.ragged import Ints, narrow, offsets_of
from kibitz.indexer.sieve import Sieve, sieve_of
from kibitz.indexer.spelt import Spelt
from kibitz.indexer.terms import split, terms_of
from kibitz.indexer.types import Chunk, Span
from kibitz.indexer.uses import Uses, count, definers_of, referred
from kibitz.indexer.vectors import scales_of

FORMAT = 5
MOST_CHUNKS = 3 << 13  # of a segment, if no single file has more: what is held in memory to make one stays small
STEM_TIMES = 2  # a word of the file's name counts like so many in its text
SUFFIX = ".seg"

_ASIDE_WORDS = """
    bench benches benchmark benchmarks demo demos example examples fixture fixtures mock mocks sample samples spec specs
    test testdata testing tests
"""
ASIDE_WORDS = frozenset(_ASIDE_WORDS.split())

_PARTS = ("keys", "sizes", "lengths", "gaps", "levels")
_SIEVE = ("levels", "rows", "rest")
_POSTINGS = ("body", "definitions", "references", "stems", "folders")


@dataclass(frozen=True)
class Segment:
    """f files with n chunks.

    Attributes:
        name: the file's, which says what is in it.
        paths, blobs: the files' (f), ascending by path.
        first: (f + 1,) int64, where each file's chunks begin.
        spans: (n, 2) lines.
        codes: (n, 2) uint8, places in piece.KINDS and in ("", *LANGUAGES).
        symbols: (n,) places in the names.
        define_offsets, defines: chunk i defines `defines[offsets[i]:offsets[i + 1]]`, places in the names.
        lengths: (n,) float32, terms in each chunk.
        aside: (f,) bool, which files are tests, examples and the like.
        sieve: which grams the files hold.
        body: terms to chunks, those of paths included.
        definitions: joined names of definitions to chunks.
        references: kinds with joined names of what is referred to, to chunks; see `reference_keys`.
        stems, folders: terms of file names and folders to files.
        vectors, scales: (n, dim) int8 and (n,) float32; a row times its scale is a unit vector.
        users, own_uses: see uses.Uses.
        keys, lacking: (n,) uint64 and bool, names of the embedded texts and which have no vector yet; empty when all
            vectors are there.
    """

    name: str
    paths: list[str]
    packed_blobs: Array
    first: Ints
    spans: NDArray[Any]
    codes: NDArray[np.uint8]
    symbols: NDArray[Any]
    define_offsets: Ints
    defines: NDArray[Any]
    packed_names: Array
    lengths: NDArray[np.float32]
    aside: NDArray[np.bool_]
    sieve: Sieve
    body: Postings
    definitions: Postings
    references: Postings
    stems: Postings
    folders: Postings
    vectors: NDArray[np.int8]
    scales: NDArray[np.float32]
    users: NDArray[Any]
    own_uses: NDArray[np.uint8]
    keys: NDArray[np.uint64]
    lacking: NDArray[np.bool_]

    @cached_property
    def blobs(self) -> list[str]:
        """The files' blobs."""
        return _unpack(self.packed_blobs)

    def name_of(self, code: int) -> str:
        """One symbol's name. All of them as strings would take more memory than the rest of a view."""
        names, ends = self._names
        return names[ends[code - 1] + 1 if code else 0 : ends[code]].decode("utf-8", "surrogatepass")

    def names_holding(self, text: str, most: int) -> list[str]:
        """The first names that hold a text, whatever the case of its letters."""
        wanted = re.escape(text.encode("utf-8", "surrogatepass"))
        found = re.finditer(rb"[^\0]*?" + wanted + rb"[^\0]*", self._names[0], re.IGNORECASE)
        return [one[0].decode("utf-8", "surrogatepass") for one in islice(found, most)]

    def defining(self, text: str, most: int) -> Iterator[tuple[int, str]]:
        """The chunks that define the first names which hold a text, each with such a name."""
        wanted = re.escape(text.encode("utf-8", "surrogatepass"))
        names, ends = self._names
        starts = [one.start() for one in islice(re.finditer(wanted, names, re.IGNORECASE), most)]
        codes = np.unique(np.searchsorted(np.asarray(ends), starts))
        places = np.flatnonzero(np.isin(self.defines, codes))
        chunks = np.searchsorted(self.define_offsets, places, side="right") - 1
        for chunk, code in zip(chunks.tolist(), self.defines[places].tolist(), strict=True):
            yield chunk, self.name_of(code)

    @cached_property
    def _names(self) -> tuple[bytes, memoryview]:
        # Single numbers come out of a memoryview several times as fast as out of an array.
        names = _inflated(self.packed_names)
        return names, np.flatnonzero(np.frombuffer(names, np.uint8) == 0).astype(np.uint32).data

    @cached_property
    def _define_places(self) -> tuple[memoryview, memoryview]:
        return self.define_offsets.data, np.ascontiguousarray(self.defines).data

    @cached_property
    def spelt(self) -> Spelt:
        """The words of names and paths."""
        return Spelt(len(self._names[1]), self.name_of, self.paths)

    @cached_property
    def stem_words(self) -> NDArray[np.float32]:
        """How many different terms each file's name has, (f,)."""
        return np.bincount(self.stems.triples().items, minlength=len(self.paths)).astype(np.float32)

    @cached_property
    def uses(self) -> Uses:
        """What its files define and refer to, counted."""
        file_of = np.repeat(np.arange(len(self.paths)), np.diff(self.first))
        names, pairs = referred(self.references.keys), definers_of(self.definitions.triples(), file_of)
        return Uses(names, self.users, *pairs, self.own_uses)

    def span(self, number: int) -> Span:
        """One chunk's lines."""
        return Span(int(self.spans[number, 0]), int(self.spans[number, 1]))

    def chunk(self, number: int, path: str, text: str) -> Chunk:
        """One chunk with its text, which is not held here."""
        kind, language = described(self.codes[number])
        symbol = self.name_of(int(self.symbols[number]))
        return Chunk(path, self.span(number), text, kind, language, symbol, self.names_in(number))

    def names_in(self, number: int) -> tuple[str, ...]:
        """The names of what one chunk defines."""
        offsets, defines = self._define_places
        return tuple(map(self.name_of, defines[offsets[number] : offsets[number + 1]]))

    def piece(self, files: Ints) -> Piece:
        """Some of the files, as what a new segment is made of. Their vectors hold their paths already."""
        count, names = len(self.spans), _unpack(self.packed_names)
        defined = [names[code] for code in self.defines.tolist()]
        bounds = self.define_offsets.tolist()
        everything = Piece(
            paths=self.paths,
            blobs=self.blobs,
            signatures=self.sieve.signatures(),
            sizes=np.diff(self.first),
            spans=self.spans.astype(np.int32),
            codes=self.codes,
            symbols=[names[code] for code in self.symbols.tolist()],
            defines=[tuple(defined[start:end]) for start, end in pairwise(bounds)],
            keys=self.keys if len(self.keys) else np.zeros(count, np.uint64),
            terms=_ragged(self.body, count),
            references=_ragged(self.references, count),
            vectors=self.vectors,
            lacking=self.lacking if len(self.lacking) else np.zeros(count, bool),
        )
        return everything.take(files)


def path_terms(path: str) -> tuple[dict[int, int], dict[int, int]]:
    """The terms of a file's name without its ending, and those of its nearest folders."""
    folder, _, name = path.rpartition("/")
    nearest = folder.split("/")[-FOLDERS:]
    return terms_of(name.lstrip(".").split(".")[0]), terms_of(" ".join(nearest))


def is_aside(path: str) -> bool:
    """Whether a path says that its file is a test, an example or a benchmark."""
    return any(ASIDE_WORDS.intersection(split(part.split(".")[0])) for part in path.split("/"))


def segment_name(piece: Piece) -> str:
    """What a segment of these files is called: one that lacks vectors is another."""
    digest = hashlib.sha256()
    if piece.lacking.any():
        digest.update(piece.lacking.tobytes())
    for path, blob in zip(piece.paths, piece.blobs, strict=True):
        digest.update(f"{blob} {path}\0".encode("utf-8", "surrogatepass"))
    return f"{digest.hexdigest()[:32]}-{FORMAT}{'p' if piece.lacking.any() else ''}{SUFFIX}"


def write(folder: Path, pieces: list[Piece]) -> str:
    """Write a segment of these files in one step, unless it is there; returns its name.

    Args:
        folder: where segments are kept.
        pieces: of which no two hold the same path, with the paths' vectors in their vectors. They are taken out of
            the list, so that they are not in memory twice.
    """
    whole = _in_order(joined(pieces))
    pieces.clear()
    name = segment_name(whole)
    if not _is_there(folder / name):
        write_arrays(folder / name, _arrays(whole), {"format": FORMAT})
    return name


def in_memory(piece: Piece) -> Segment:
    """A segment that is on no disk."""
    return _opened("", _arrays(_in_order(piece)))


def _in_order(piece: Piece) -> Piece:
    """The files that have chunks, ascending by path."""
    holding = [at for at, size in enumerate(piece.sizes.tolist()) if size]
    return piece.take(np.array(sorted(holding, key=piece.paths.__getitem__), np.int64))


def load(folder: Path, name: str, *, check: bool = False) -> Segment:
    """Map a segment, to the last byte when `check` is set.

    Raises:
        DamagedFileError: there is none that can be read, or one of another format.
    """
    arrays, meta = open_arrays(folder / name, check=check)
    if meta.get("format") != FORMAT:
        raise DamagedFileError(f"of another format: {folder / name}")
    return _opened(name, arrays)


def _opened(name: str, arrays: dict[str, Array]) -> Segment:
    def postings(of: str) -> Postings:
        return Postings(*(arrays[f"{of}.{part}"] for part in _PARTS))

    return Segment(
        name=name,
        paths=_unpack(arrays["paths"]),
        packed_blobs=arrays["blobs"],
        first=offsets_of(arrays["sizes"]),
        spans=arrays["spans"],
        codes=arrays["codes"],
        symbols=arrays["symbols"],
        define_offsets=offsets_of(arrays["define_sizes"]),
        defines=arrays["defines"],
        packed_names=arrays["names"],
        lengths=arrays["lengths"].astype(np.float32),
        aside=arrays["aside"],
        sieve=Sieve(*(arrays[f"sieve.{part}"] for part in _SIEVE)),
        vectors=arrays["vectors"],
        scales=arrays["scales"],
        users=arrays["users"],
        own_uses=arrays["own_uses"],
        keys=arrays["keys"],
        lacking=arrays["lacking"],
        **{of: postings(of) for of in _POSTINGS},
    )


def _is_there(path: Path) -> bool:
    try:
        open_arrays(path, check=True)
    except DamagedFileError:
        return False
    return True


def _arrays(piece: Piece) -> dict[str, Array]:
    lacking = bool(piece.lacking.any())
    names, symbols, defines = _names(piece)
    define_sizes = [len(each) for each in piece.defines]
    chunk_of = np.repeat(np.arange(piece.chunks, dtype=np.uint16), np.diff(piece.terms.offsets))
    body = Triples(piece.terms.ids, chunk_of, levelled(piece.terms.numbers))
    stems, folders = _path_postings(piece.paths)
    sieve = sieve_of(piece.signatures)
    definitions, references = _definitions(names, defines, define_sizes), _references(piece.references)
    file_of = np.repeat(np.arange(len(piece.sizes)), piece.sizes)
    users, own_uses = count(references.triples(), definitions.triples(), file_of)
    return {
        "paths": _pack(piece.paths),
        "blobs": _pack(piece.blobs),
        "sizes": narrow(piece.sizes),
        "spans": narrow(piece.spans),
        "codes": piece.codes,
        "symbols": narrow(symbols),
        "define_sizes": narrow(np.array(define_sizes, np.int64)),
        "defines": narrow(defines),
        "names": _pack(names),
        "lengths": narrow(np.bincount(chunk_of, weights=body.counts, minlength=piece.chunks)),
        "aside": np.array([is_aside(path) for path in piece.paths], bool),
        **{f"sieve.{part}": getattr(sieve, part) for part in _SIEVE},
        "vectors": piece.vectors,
        "scales": scales_of(piece.vectors),
        "users": narrow(users),
        "own_uses": own_uses,
        "keys": piece.keys if lacking else piece.keys[:0],
        "lacking": piece.lacking if lacking else piece.lacking[:0],
        **_flat("body", invert(body)),
        **_flat("definitions", definitions),
        **_flat("references", references),
        **_flat("stems", stems),
        **_flat("folders", folders),
    }


def _definitions(names: list[str], defines: NDArray[np.int32], sizes: list[int]) -> Postings:
    keys = np.array([definition_key(name) for name in names], np.uint32)
    chunk_of = np.repeat(np.arange(len(sizes)), sizes)
    return invert(Triples(keys[defines], chunk_of, np.ones(len(chunk_of), np.uint8)), with_counts=False)


def _references(references: Ragged) -> Postings:
    chunk_of = np.repeat(np.arange(len(references.offsets) - 1), np.diff(references.offsets))
    return invert(Triples(references.ids, chunk_of, references.numbers), with_counts=False)


def _path_postings(paths: list[str]) -> tuple[Postings, Postings]:
    made: list[Postings] = []
    split_paths = [path_terms(path) for path in paths]
    for side in (0, 1):
        keys = [key for one in split_paths for key in one[side]]
        files = np.repeat(np.arange(len(paths)), [len(one[side]) for one in split_paths])
        triples = Triples(np.array(keys, np.uint32), files, np.ones(len(keys), np.uint8))
        made.append(invert(triples, with_counts=False))
    return made[0], made[1]


def _names(piece: Piece) -> tuple[list[str], NDArray[np.int32], NDArray[np.int32]]:
    """One list of names for symbols and definitions, and both as codes into it."""
    flat = [name for names in piece.defines for name in names]
    code_of = {name: code for code, name in enumerate(dict.fromkeys([*piece.symbols, *flat]))}
    symbols = np.fromiter(map(code_of.__getitem__, piece.symbols), np.int32, len(piece.symbols))
    return list(code_of), symbols, np.fromiter(map(code_of.__getitem__, flat), np.int32, len(flat))


def _ragged(postings: Postings, chunks: int) -> Ragged:
    """Postings turned round: each chunk's keys."""
    triples = postings.triples()
    order = np.argsort(triples.items, kind="stable")  # keys ascend already
    sizes = np.bincount(triples.items, minlength=chunks)
    return Ragged(offsets_of(sizes), triples.keys[order], triples.counts[order])


def _flat(name: str, postings: Postings) -> dict[str, Array]:
    return {f"{name}.{part}": getattr(postings, part) for part in _PARTS}


def _pack(strings: Sequence[str]) -> NDArray[np.uint8]:
    """Strings in one compressed array of bytes, with a NUL behind each: those that a heading holds are dropped."""
    joined_up = "".join(s.replace("\0", "") + "\0" for s in strings).encode("utf-8", "surrogatepass")
    return np.frombuffer(zlib.compress(joined_up, 6), np.uint8)


def _unpack(packed: Array) -> list[str]:
    try:
        return _inflated(packed).decode("utf-8", "surrogatepass").split("\0")[:-1]
    except UnicodeDecodeError as error:
        raise DamagedFileError("damaged: strings of a segment") from error


def _inflated(packed: Array) -> bytes:
    try:
        return zlib.decompress(packed.tobytes())
    except zlib.error as error:
        raise DamagedFileError("damaged: strings of a segment") from error
