"""Parsed files as arrays: what a parser process sends, what a segment of the hot copy is made of."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.languages import LANGUAGES
from kibitz.indexer.ragged import Ints, offsets_of, rows
from kibitz.indexer.types import Chunk
from kibitz.indexer.vectors import Bytes

KINDS = ("function", "method", "class", "type", "module", "section", "text")
_KIND = {kind: code for code, kind in enumerate(KINDS)}
_LANGUAGE = {language: code for code, language in enumerate(("", *LANGUAGES))}


@dataclass(frozen=True, slots=True)
class Ragged:
    """Ids with a number each, some for every chunk: chunk i has `ids[offsets[i]:offsets[i + 1]]`, ascending.

    For terms the number is how often they occur, for references 1.
    """

    offsets: Ints
    ids: NDArray[np.uint32]
    numbers: NDArray[np.uint8]

    def take(self, wanted: Ints) -> "Ragged":
        """Those of some chunks."""
        sizes, places = rows(self.offsets, wanted)
        return Ragged(offsets_of(sizes), self.ids[places], self.numbers[places])


@dataclass(frozen=True, slots=True)
class Piece:
    """f files with n chunks, the chunks of a file side by side and in order.

    Attributes:
        paths, blobs: the files' (f).
        signatures: the files' (f), see `grams.signature`.
        sizes: (f,) chunks in each; 0 for an empty file.
        spans: (n, 2) int32, lines.
        codes: (n, 2) uint8, places in KINDS and in ("", *LANGUAGES).
        symbols, defines: the chunks' (n).
        keys: (n,) uint64, names of the texts that are embedded.
        terms: of the chunks' texts and names.
        references: what the chunks refer to.
        vectors: (n, dim) int8, see `vectors.quantised`; a row of zeros where there is none yet,
        lacking: (n,) bool, which are those.
    """

    paths: list[str]
    blobs: list[str]
    signatures: list[bytes]
    sizes: Ints
    spans: NDArray[np.int32]
    codes: NDArray[np.uint8]
    symbols: list[str]
    defines: list[tuple[str, ...]]
    keys: NDArray[np.uint64]
    terms: Ragged
    references: Ragged
    vectors: Bytes
    lacking: NDArray[np.bool_]

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return len(self.spans)

    def take(self, files: Ints) -> "Piece":
        """Some of the files, in the order given."""
        of_file = offsets_of(self.sizes)
        sizes, chunks = rows(of_file, files)
        numbers = chunks.tolist()
        return Piece(
            paths=[self.paths[at] for at in files],
            blobs=[self.blobs[at] for at in files],
            signatures=[self.signatures[at] for at in files],
            sizes=sizes,
            spans=self.spans[chunks],
            codes=self.codes[chunks],
            symbols=[self.symbols[at] for at in numbers],
            defines=[self.defines[at] for at in numbers],
            keys=self.keys[chunks],
            terms=self.terms.take(chunks),
            references=self.references.take(chunks),
            vectors=self.vectors[chunks],
            lacking=self.lacking[chunks],
        )

    def with_vectors(self, vectors: Bytes, lacking: NDArray[np.bool_]) -> "Piece":
        """The same files with other vectors, some of which may still be lacking."""
        return replace(self, vectors=vectors, lacking=lacking)

    def complete(self) -> Ints:
        """The files that have chunks and lack no vector."""
        file_of = np.repeat(np.arange(len(self.sizes)), self.sizes)
        lacking = np.bincount(file_of[self.lacking], minlength=len(self.sizes))
        return np.flatnonzero((lacking == 0) & (self.sizes > 0))


def key_of(text: str) -> int:
    """What names a text that is embedded: 64 bits of its hash."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def coded(chunks: Sequence[Chunk]) -> NDArray[np.uint8]:
    """The kinds and languages of chunks as numbers, (n, 2)."""
    codes = [(_KIND[chunk.kind], _LANGUAGE[chunk.language]) for chunk in chunks]
    return np.array(codes, np.uint8).reshape(-1, 2)


def spans_of(chunks: Sequence[Chunk]) -> NDArray[np.int32]:
    """The lines of chunks, (n, 2)."""
    return np.array([(chunk.span.start, chunk.span.end) for chunk in chunks], np.int32).reshape(-1, 2)


def described(codes: NDArray[np.uint8]) -> tuple[str, str]:
    """The kind and the language of a chunk, from its codes (2,)."""
    return KINDS[int(codes[0])], ("", *LANGUAGES)[int(codes[1])]


def joined(pieces: Sequence[Piece]) -> Piece:
    """Several pieces as one; they are not none."""
    if len(pieces) == 1:
        return pieces[0]
    return Piece(
        paths=[path for piece in pieces for path in piece.paths],
        blobs=[blob for piece in pieces for blob in piece.blobs],
        signatures=[one for piece in pieces for one in piece.signatures],
        sizes=np.concatenate([piece.sizes for piece in pieces]),
        spans=np.concatenate([piece.spans for piece in pieces]),
        codes=np.concatenate([piece.codes for piece in pieces]),
        symbols=[symbol for piece in pieces for symbol in piece.symbols],
        defines=[names for piece in pieces for names in piece.defines],
        keys=np.concatenate([piece.keys for piece in pieces]),
        terms=_joined([piece.terms for piece in pieces]),
        references=_joined([piece.references for piece in pieces]),
        vectors=np.concatenate([piece.vectors for piece in pieces]),
        lacking=np.concatenate([piece.lacking for piece in pieces]),
    )


def _joined(parts: Sequence[Ragged]) -> Ragged:
    sizes = np.concatenate([np.diff(part.offsets) for part in parts])
    ids = np.concatenate([part.ids for part in parts])
    return Ragged(offsets_of(sizes), ids, np.concatenate([part.numbers for part in parts]))
