"""The embedder that comes with Kibitz: a table of token vectors, looked up and summed with numpy.

A text's vector is the sum over its tokens of (1 + ln tf) x the token's row, made a unit vector. The table was trained
on pairs of documentation and code, see training/README.md; nothing is downloaded and no model is run.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.embed import Vectors
from kibitz.indexer.embed.wordpiece import WordPiece

NAME = "kibitz-static-2"
DIM = 256
WEIGHTS = Path(__file__).with_name("static.npz")

PATH_PARTS = 4
"""Only the last parts of a path are embedded: those before them are shared by most files of a workspace."""

STEM_FACTOR = 2.0
"""A file's name says more of it than the folders that hold it; 1.4 to 4 are as good, 1 is worse."""

_MAX_TF = 64


@dataclass(frozen=True, slots=True)
class Weights:
    """What training made: one row a token.

    Attributes:
        table: (tokens, dim) int8.
        scale: (tokens,) float32; a row's true value is `table * scale`.
        query: (tokens,) float32; how much a token counts in a question, where "how" and "the" say little.
        pieces: the vocabulary, in the order of the rows.
    """

    table: NDArray[np.int8]
    scale: NDArray[np.float32]
    query: NDArray[np.float32]
    pieces: WordPiece

    @classmethod
    def load(cls, path: Path) -> "Weights":
        """Read a weights file (see training/train.py `save`); OSError or ValueError when it is not one."""
        with np.load(path, allow_pickle=False) as data:
            vocabulary = data["vocabulary"].tobytes().decode("utf-8").split("\n")
            return cls(
                table=data["table"],
                scale=data["scale"].astype(np.float32),
                query=data["query"].astype(np.float32),
                pieces=WordPiece(vocabulary),
            )


class StaticEmbedder:
    """Text to unit vectors by table look-up; the same text has the same vector in every batch.

    The weights (9 MB) are read at the first use. Safe to share between threads.
    """

    def __init__(self, path: Path = WEIGHTS) -> None:
        self._path = path
        self._lock = Lock()
        self._tf_weight = (1.0 + np.log(np.arange(1, _MAX_TF + 1))).astype(np.float32)

    @property
    def name(self) -> str:
        """Names the vectors, so that an index made with other weights is not mixed with these."""
        return NAME

    @property
    def dim(self) -> int:
        """The length of a vector."""
        return DIM

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed chunk texts: (n,) strings to (n, dim)."""
        return self._rows(texts, self._text_vector)

    def embed_query(self, text: str) -> Vectors:
        """Embed a question: a string to (dim,)."""
        weights = self._weights
        counts = weights.pieces.count(text)
        tokens = np.fromiter(counts, np.int64, len(counts))
        return self._sum(tokens, self._tf(counts.values(), len(counts)) * weights.query[tokens])

    def embed_paths(self, paths: Sequence[str]) -> Vectors:
        """Embed workspace paths: (n,) to (n, dim). For the index to mix into chunk vectors."""
        return self._rows(paths, self._path_vector)

    @cached_property
    def _weights(self) -> Weights:
        with self._lock:  # a second thread may read them again, but never sees half of them
            return Weights.load(self._path)

    def _rows(self, texts: Sequence[str], vector: Callable[[str], Vectors]) -> Vectors:
        out = np.zeros((len(texts), DIM), np.float32)
        for row, text in zip(out, texts, strict=True):
            row[:] = vector(text)
        return out

    def _text_vector(self, text: str) -> Vectors:
        counts = self._weights.pieces.count(text)
        tokens = np.fromiter(counts, np.int64, len(counts))
        return self._sum(tokens, self._tf(counts.values(), len(counts)))

    def _path_vector(self, path: str) -> Vectors:
        pieces = self._weights.pieces
        parts = path.split("/")[-PATH_PARTS:]
        tokens = pieces.count("/".join(parts))
        stem = pieces.count(parts[-1].rpartition(".")[0] or parts[-1])
        factors = [STEM_FACTOR if token in stem else 1.0 for token in tokens]
        return self._sum(np.fromiter(tokens, np.int64, len(tokens)), np.array(factors, np.float32))

    def _tf(self, times: Iterable[int], count: int) -> Vectors:
        """1 + ln tf, where more than `_MAX_TF` occurrences count as that many."""
        weight: Vectors = self._tf_weight[np.minimum(np.fromiter(times, np.int64, count), _MAX_TF) - 1]
        return weight

    def _sum(self, tokens: NDArray[np.int64], factors: Vectors) -> Vectors:
        """The unit vector of the weighted sum of these tokens' rows.

        One text at a time: rows of one call to a matrix product may depend on their neighbours in the last bit.
        """
        weights = self._weights
        total: Vectors = (factors * weights.scale[tokens]) @ weights.table[tokens].astype(np.float32)
        length = float(np.linalg.norm(total))
        if length > 0:
            total /= np.float32(length)
        return total


def load_static() -> StaticEmbedder:
    """The embedder that comes with Kibitz; its weights are read at the first use."""
    return StaticEmbedder()
