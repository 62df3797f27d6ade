"""The embedder that comes with Kibitz: a table of token vectors, looked up and summed with numpy.

A text's vector is the sum over its tokens of (1 + ln tf) x the token's row, made a unit vector. The table was trained
on pairs of documentation and code, see training/README.md; nothing is downloaded and no model is run.
"""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.embed import Vectors
from kibitz.indexer.embed.wordpiece import WordPiece, split_identifier
from kibitz.indexer.ragged import counted, offsets_of, rows
from kibitz.indexer.vectors import unit
from kibitz.indexer.words import Bags, Vocabulary

NAME = "kibitz-static-3"
DIM = 256
WEIGHTS = Path(__file__).with_name("static.npz")

PATH_PARTS = 4
"""Only the last parts of a path are embedded: those before them are shared by most files of a workspace."""

STEM_FACTOR = 2.0
"""A file's name says more of it than the folders that hold it; 1.4 to 4 are as good, 1 is worse."""

_MAX_TF = 64
_TF_WEIGHT = (1.0 + np.log(np.arange(1, _MAX_TF + 1))).astype(np.float32)
_TEXTS_AT_ONCE = 1024


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

    The weights (13 MB) are read at the first use. Safe to share between threads.
    """

    def __init__(self, path: Path = WEIGHTS) -> None:
        self._path = path
        self._lock = Lock()

    def __reduce__(self) -> tuple[type["StaticEmbedder"], tuple[Path]]:
        return StaticEmbedder, (self._path,)

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
        out = np.zeros((len(texts), DIM), np.float32)
        vocabulary = Vocabulary()
        embed_bags = self.over(vocabulary)
        for at in range(0, len(texts), _TEXTS_AT_ONCE):
            part = slice(at, at + _TEXTS_AT_ONCE)
            vocabulary.next_batch()
            out[part] = embed_bags(vocabulary.bags(texts[part]))
        return out

    def over(self, vocabulary: Vocabulary) -> Callable[[Bags], Vectors]:
        """What embeds texts whose identifiers this vocabulary has numbered already: bags of n texts to (n, dim)."""
        return _BagEmbedder(self, vocabulary)

    def embed_query(self, text: str) -> Vectors:
        """Embed a question: a string to (dim,)."""
        weights = self.weights
        counts = weights.pieces.count(text)
        tokens = np.fromiter(counts, np.int64, len(counts))
        times = np.fromiter(counts.values(), np.int64, len(counts))
        return unit(_sum(weights, tokens, _tf(times) * weights.query[tokens]))

    def embed_paths(self, paths: Sequence[str]) -> Vectors:
        """Embed workspace paths: (n,) to (n, dim). For the index to mix into chunk vectors."""
        return self._rows(paths, self._path_vector)

    @property
    def weights(self) -> Weights:
        """What training made, read once a process."""
        with self._lock:
            return _read(self._path)

    def _rows(self, texts: Sequence[str], vector: Callable[[str], Vectors]) -> Vectors:
        out = np.zeros((len(texts), DIM), np.float32)
        for row, text in zip(out, texts, strict=True):
            row[:] = vector(text)
        return out

    def _path_vector(self, path: str) -> Vectors:
        pieces = self.weights.pieces
        parts = path.split("/")[-PATH_PARTS:]
        tokens = pieces.count("/".join(parts))
        stem = pieces.count(parts[-1].rpartition(".")[0] or parts[-1])
        factors = [STEM_FACTOR if token in stem else 1.0 for token in tokens]
        numbers = np.fromiter(tokens, np.int64, len(tokens))
        return unit(_sum(self.weights, numbers, np.array(factors, np.float32)))


class _BagEmbedder:
    """Embeds bags of identifiers, whose tokens it remembers by the identifiers' numbers."""

    def __init__(self, embedder: StaticEmbedder, vocabulary: Vocabulary) -> None:
        self._embedder = embedder
        self._vocabulary = vocabulary
        self._forget()

    def __call__(self, bags: Bags) -> Vectors:
        self._learn()
        sizes, places = rows(np.frombuffer(self._offsets, np.int64), bags.codes)
        found = np.frombuffer(self._tokens, np.int32)[places].astype(np.int64)
        texts, tokens, times = counted(np.repeat(bags.texts, sizes), found, np.repeat(bags.times, sizes))
        factors = _tf(times)
        bounds = offsets_of(np.bincount(texts, minlength=bags.count)).tolist()
        out, weights = np.empty((bags.count, DIM), np.float32), self._embedder.weights
        for row, start, end in zip(out, bounds, bounds[1:], strict=False):
            row[:] = _sum(weights, tokens[start:end], factors[start:end])
        return unit(out)

    def _learn(self) -> None:
        """Keep up with the vocabulary."""
        if self._generation != self._vocabulary.generation:
            self._forget()
        encode, known, tokens = self._embedder.weights.pieces.encode_word, self._words, self._tokens
        for identifier in self._vocabulary.identifiers[len(self._offsets) - 1 :]:
            for word in split_identifier(identifier):
                if (found := known.get(word)) is None:
                    found = known[word] = encode(word)
                tokens.extend(found)
            self._offsets.append(len(tokens))

    def _forget(self) -> None:
        self._generation = self._vocabulary.generation
        self._offsets, self._tokens = array("q", [0]), array("i")
        self._words: dict[str, tuple[int, ...]] = {}


def _tf(times: NDArray[np.int64]) -> Vectors:
    """1 + ln tf, where more than `_MAX_TF` occurrences count as that many."""
    weight: Vectors = _TF_WEIGHT[np.minimum(times, _MAX_TF) - 1]
    return weight


def _sum(weights: Weights, tokens: NDArray[np.int64], factors: Vectors) -> Vectors:
    """The weighted sum of these tokens' rows, (dim,).

    One text at a time: rows of one call to a matrix product may depend on their neighbours in the last bit.
    """
    total: Vectors = (factors * weights.scale[tokens]) @ weights.table[tokens].astype(np.float32)
    return total


@cache
def _read(path: Path) -> Weights:
    return Weights.load(path)


def load_static() -> StaticEmbedder:
    """The embedder that comes with Kibitz; its weights are read at the first use."""
    return StaticEmbedder()
