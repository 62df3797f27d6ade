"""An embedder without weights."""

import hashlib
from collections.abc import Sequence

import numpy as np

from kibitz.indexer.embed import Vectors


class HashEmbedder:
    """Words to vectors by hashing: texts that share words are near, the same text has the same vector.

    Remembers every text that it was asked to embed.
    """

    def __init__(self, dim: int = 32, *, name: str = "hash", paths: bool = True) -> None:
        self.dim = dim
        self.name = name
        self.embedded: list[str] = []
        self._paths = paths

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        return np.stack([self._one(text) for text in texts]) if texts else np.zeros((0, self.dim), np.float32)

    def embed_query(self, text: str) -> Vectors:
        return self._one(text)

    def embed_paths(self, paths: Sequence[str]) -> Vectors | None:
        if not self._paths:
            return None
        plain = [path.replace("/", " ").replace(".", " ") for path in paths]
        return np.stack([self._one(path) for path in plain]) if paths else np.zeros((0, self.dim), np.float32)

    def _one(self, text: str) -> Vectors:
        vector = np.zeros(self.dim, np.float32)
        for word in text.lower().split():
            digest = hashlib.sha256(word.encode()).digest()
            vector[digest[0] % self.dim] += 1 if digest[1] & 1 else -1
        norm = float(np.linalg.norm(vector))
        return vector / np.float32(norm) if norm else vector
