"""An embedder without weights."""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from kibitz.indexer.embed import Vectors
from kibitz.indexer.words import Bags, Vocabulary


class HashEmbedder:
    """Words to vectors by hashing: texts that share words are near, the same text has the same vector.

    Remembers the words of every text that it was asked to embed in this process. Without `paths` it wants them in the
    texts, and must see the texts: it is not asked from parser processes then.
    """

    def __init__(self, dim: int = 32, *, name: str = "hash", paths: bool = True) -> None:
        self.dim = dim
        self.name = name
        self.embedded: list[str] = []
        self._paths = paths

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        return self._rows(texts)

    def embed_query(self, text: str) -> Vectors:
        vector: Vectors = self._rows([text])[0]
        return vector

    def embed_paths(self, paths: Sequence[str]) -> Vectors | None:
        return self._rows(paths) if self._paths else None

    def over(self, vocabulary: Vocabulary) -> Callable[[Bags], Vectors] | None:
        def embed_bags(bags: Bags) -> Vectors:
            vectors = self._vectors(vocabulary, bags)
            texts: list[list[str]] = [[] for _ in range(bags.count)]
            for text, code in zip(bags.texts.tolist(), bags.codes.tolist(), strict=True):
                texts[text].append(vocabulary.identifiers[code])
            self.embedded += map(" ".join, texts)
            return vectors

        return embed_bags if self._paths else None

    def _rows(self, texts: Sequence[str]) -> Vectors:
        vocabulary = Vocabulary()
        return self._vectors(vocabulary, vocabulary.bags(texts))

    def _vectors(self, vocabulary: Vocabulary, bags: Bags) -> Vectors:
        vectors = np.zeros((bags.count, self.dim), np.float32)
        for text, code, times in zip(bags.texts.tolist(), bags.codes.tolist(), bags.times.tolist(), strict=True):
            digest = hashlib.sha256(vocabulary.identifiers[code].lower().encode("utf-8", "surrogatepass")).digest()
            vectors[text, digest[0] % self.dim] += times if digest[1] & 1 else -times
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)
