"""Small pieces of files that stand on no disk."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from kibitz.indexer.cut import Cutter, Parsed
from kibitz.indexer.grams import signature
from kibitz.indexer.piece import Piece
from kibitz.indexer.types import Chunk, Reference, Span
from tests.fakes.embedder import HashEmbedder

DIM = 16
KINDS = ("function", "class", "module", "text")
WORDS = ("session", "close_pool", "HTTPServer", "retry", "größe", "x1", "open", "tests")

chunk_texts = st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join)
paths = st.lists(st.sampled_from(("src", "tests", "close_pool", "a", "retry")), min_size=1, max_size=3).map(
    lambda parts: "/".join(parts) + ".py"
)
trees = st.dictionaries(paths, st.lists(chunk_texts, max_size=3), max_size=5)
"""Texts of the chunks of files, by path."""


def blob_of(texts: Sequence[str]) -> str:
    return "\n".join(texts).encode().hex() or "empty"


def parsed(path: str, texts: Sequence[str]) -> Parsed:
    """A file whose chunks have these texts; what they define and refer to are words of theirs."""
    chunks = []
    for at, text in enumerate(texts):
        words = text.split()
        chunks.append(
            Chunk(
                path,
                Span(at * 10, at * 10 + 5),
                text,
                KINDS[(at + len(text)) % len(KINDS)],
                "python" if at % 2 else "",
                words[0] if words else "",
                tuple(words[:2]),
                tuple(Reference(word, "call") for word in words[2:]),
            )
        )
    return Parsed(path, blob_of(texts), tuple(chunks), signature=signature("\n".join(texts)))


def piece_of(tree: Mapping[str, Sequence[str]], *, lacking: Sequence[str] = ()) -> Piece:
    """Files as they go into a segment; those `lacking` have no vectors yet."""
    cut = Cutter(HashEmbedder(DIM)).cut([parsed(path, texts) for path, texts in tree.items()])
    piece = cut.with_paths(cut.piece)
    without = np.repeat(np.array([path in lacking for path in piece.paths], bool), piece.sizes)
    return replace(piece, vectors=np.where(without[:, None], np.int8(0), piece.vectors), lacking=without)


def pieces_of_chunks(chunks: Sequence[Chunk]) -> Piece:
    """Chunks of one file each, as they go into a segment."""
    files = [Parsed(chunk.path, blob_of([chunk.text]), (chunk,), signature=signature(chunk.text)) for chunk in chunks]
    cut = Cutter(HashEmbedder(DIM)).cut(files)
    return cut.with_paths(cut.piece)
