"""Files to pieces: read, cut into chunks, counted and embedded. What a parser process does with a batch of files."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.chunk import chunk_text
from kibitz.indexer.embed import Embedder
from kibitz.indexer.grams import signature
from kibitz.indexer.keys import reference_keys
from kibitz.indexer.languages import grammar_name, language_of
from kibitz.indexer.piece import Piece, Ragged, coded, key_of, spans_of
from kibitz.indexer.ragged import Ints, counted, offsets_of, rows
from kibitz.indexer.read import content_rule, read_source
from kibitz.indexer.reparse import Reparser
from kibitz.indexer.segment import STEM_TIMES, path_terms
from kibitz.indexer.terms import Lexer
from kibitz.indexer.types import Chunk
from kibitz.indexer.vectors import NAME_WEIGHT, Bytes, Floats, mixed, quantised
from kibitz.indexer.words import Bags, Vocabulary
from kibitz.indexer.workspace import Skipped

if TYPE_CHECKING:
    from tree_sitter import Tree

MOST_FILE_CHUNKS = 1 << 15
_HEAD_CHARS = 200
_BLOB_DIGITS = 32  # 128 bits of a sha256: no two files of a repository share them by chance


@dataclass(frozen=True, slots=True)
class Blob:
    """A file's content as it is indexed: what names it, its text and its language."""

    blob: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """One file, parsed; or the rule that leaves it out, with all else empty.

    `blob` names its content, `signature` tells its grams (see grams.signature).
    """

    path: str
    blob: str = ""
    chunks: tuple[Chunk, ...] = ()
    rule: str = ""
    signature: bytes = b""


@dataclass(frozen=True, slots=True)
class Task:
    """A file to cut: its size in bytes, and the keys of texts whose vectors are known already.

    `text` is what stands in an open document, to be cut instead of the file.
    """

    path: str
    size: int = 0
    known: frozenset[int] = frozenset()
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """A batch of files after cutting.

    Attributes:
        piece: the files that are indexed. Its vectors are those of the texts alone; it lacks those of known texts.
        skipped: (path, rule) of those that are not.
        path_vectors: (f, dim) float32 of the files' paths; None when the embedder wants paths in the text.
    """

    piece: Piece
    skipped: tuple[tuple[str, str], ...]
    path_vectors: Floats | None

    def with_paths(self, piece: Piece) -> Piece:
        """The piece as it goes into a segment: the vectors of its files' paths mixed into those of its texts."""
        if self.path_vectors is None:
            return piece
        file_of = np.repeat(np.arange(len(piece.sizes)), piece.sizes)
        return piece.with_vectors(mixed(piece.vectors, self.path_vectors, file_of), piece.lacking)


def read_blob(root: Path, path: str, *, max_bytes: int | None = None) -> Blob | Skipped:
    """Read one file, and name its content by the sha256 of its bytes and the grammar that cuts them.

    The grammar belongs to the name since the same bytes come out in other chunks under another ending.
    """
    read = read_source(root, path, max_bytes=max_bytes)
    if isinstance(read, Skipped):
        return read
    return blob_of(path, *read)


def blob_of(path: str, digest: str, text: str) -> Blob:
    """A text as it is indexed, from the sha256 of its bytes."""
    language = language_of(path, text[:_HEAD_CHARS])
    return Blob(f"{digest[:_BLOB_DIGITS]}.{grammar_name(path, language) or 'text'}", text, language)


def is_of(blob: str, data: bytes) -> bool:
    """Whether a blob is that of a file of these bytes."""
    return blob.partition(".")[0] == hashlib.sha256(data).hexdigest()[:_BLOB_DIGITS]


def parse_file(root: Path, path: str, max_bytes: int | None = None) -> Parsed:
    """Read one file and cut it into chunks, in this process."""
    read = read_blob(root, path, max_bytes=max_bytes)
    if isinstance(read, Skipped):
        return Parsed(path, rule=read.rule)
    return parse_blob(path, read)


def parse_text(path: str, text: str, reparser: Reparser) -> Parsed:
    """Cut an open document into chunks, as if it were saved in UTF-8; parsed again only where it has changed."""
    if rule := content_rule(path, text):
        return Parsed(path, rule=rule)
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    read = blob_of(path, digest, text)
    return parse_blob(path, read, reparser.parse(path, text, grammar_name(path, read.language)))


def parse_blob(path: str, read: Blob, tree: "Tree | None" = None) -> Parsed:
    """Cut what was read into chunks; along a tree of it that is there already."""
    chunks = chunk_text(path, read.text, read.language, tree=tree)
    if len(chunks) > MOST_FILE_CHUNKS:
        return Parsed(path, rule="size")
    return Parsed(path, read.blob, tuple(chunks), signature=signature(read.text))


class Cutter:
    """Makes pieces of parsed files. Keeps what it learns of identifiers from one batch to the next."""

    def __init__(self, embedder: Embedder) -> None:
        self._dim = embedder.dim
        self._vocabulary = Vocabulary()
        self._lexer = Lexer(self._vocabulary)
        self._embed_paths = embedder.embed_paths
        self._embed: Callable[[Bags], Floats] | None = embedder.over(self._vocabulary)

    def cut(self, parsed: Sequence[Parsed], known: frozenset[int] = frozenset()) -> Cut:
        """One batch: files of no more than 65,536 chunks together, whose texts in `known` need no vector."""
        files = [one for one in parsed if not one.rule]
        paths = [one.path for one in files]
        path_vectors = self._embed_paths(paths)
        header = path_vectors is None
        chunks = [chunk for one in files for chunk in one.chunks]
        self._vocabulary.next_batch()
        bags = self._vocabulary.bags([chunk.text for chunk in chunks])
        names = self._vocabulary.bags([names_of(chunk) for chunk in chunks])
        keys = [key_of(embedded_text(chunk, header=header)) for chunk in chunks]
        vectors, embedded = self._vectors(bags, names, keys, known)
        piece = Piece(
            paths=paths,
            blobs=[one.blob for one in files],
            signatures=[one.signature for one in files],
            sizes=np.array([len(one.chunks) for one in files], np.int64),
            spans=spans_of(chunks),
            codes=coded(chunks),
            symbols=[chunk.symbol for chunk in chunks],
            defines=[chunk.defines for chunk in chunks],
            keys=np.array(keys, np.uint64),
            terms=self._terms(files, chunks, bags, names),
            references=_references(chunks),
            vectors=vectors,
            lacking=~embedded,
        )
        skipped = tuple((one.path, one.rule) for one in parsed if one.rule)
        return Cut(piece, skipped, path_vectors)

    def _vectors(
        self, bags: Bags, names: Bags, keys: list[int], known: frozenset[int]
    ) -> tuple[Bytes, NDArray[np.bool_]]:
        """The vectors of those texts that are not known, with their names' in them, and which those are."""
        vectors = np.zeros((len(keys), self._dim), np.int8)
        if self._embed is None or not keys:
            return vectors, np.zeros(len(keys), bool)
        wanted = np.array([key not in known for key in keys], bool)
        if not wanted.all():
            bags, names = bags.take(wanted), names.take(wanted)
        if wanted.any():
            vectors[wanted] = quantised(self._embed(bags) + np.float32(NAME_WEIGHT) * self._embed(names))
        return vectors, wanted

    def _terms(self, files: Sequence[Parsed], chunks: Sequence[Chunk], bags: Bags, names: Bags) -> Ragged:
        """The terms of the chunks' texts, of the names in and around them, and of their files' paths."""
        counts = self._lexer.count(bags, names)
        first = offsets_of([len(one.chunks) for one in files])
        of_chunk, ids, times = _path_triples([one.path for one in files], first)
        texts = np.repeat(np.arange(len(chunks)), np.diff(counts.offsets))
        numbers, terms, sums = counted(
            np.concatenate((texts, of_chunk)),
            np.concatenate((counts.terms.astype(np.int64), ids)),
            np.concatenate((counts.counts.astype(np.int64), times)),
        )
        offsets = offsets_of(np.bincount(numbers, minlength=len(chunks)))
        return Ragged(offsets, terms.astype(np.uint32), np.minimum(sums, 255).astype(np.uint8))


def names_of(chunk: Chunk) -> str:
    """The names of the definitions around a chunk and in it."""
    return " ".join(filter(None, (chunk.symbol, *chunk.defines)))


def embedded_text(chunk: Chunk, *, header: bool) -> str:
    """What is embedded of a chunk; with its path as a header line where the embedder has no other way to see it.

    Without one the names come first, which have a vector of their own mixed into the text's.
    """
    first = chunk.path if header else names_of(chunk)
    return f"{first}\n{chunk.text}" if first else chunk.text


def _path_triples(paths: Sequence[str], first: Ints) -> tuple[Ints, Ints, Ints]:
    """(chunk, term, times) of the words of files' paths, which count for each chunk of the file."""
    ids: list[int] = []
    times: list[int] = []
    sizes: list[int] = []
    for path in paths:
        stem, folders = path_terms(path)
        ids += [*stem, *folders]
        times += [*(STEM_TIMES * count for count in stem.values()), *folders.values()]
        sizes.append(len(stem) + len(folders))
    at = offsets_of(sizes)
    chunks = np.repeat(np.arange(int(first[-1])), np.repeat(np.diff(at), np.diff(first)))
    file_of = np.repeat(np.arange(len(paths)), np.diff(first))
    places = rows(at, file_of)[1]
    return chunks, np.array(ids, np.int64)[places], np.array(times, np.int64)[places]


def _references(chunks: Sequence[Chunk]) -> Ragged:
    ids = [sorted({key for one in chunk.references for key in reference_keys(one.kind, one.name)}) for chunk in chunks]
    flat = np.array([key for each in ids for key in each], np.uint32)
    return Ragged(offsets_of([len(each) for each in ids]), flat, np.ones(len(flat), np.uint8))
