"""The weights of the ranking: a table that training/ranking.py fits, in ranking.toml."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from kibitz.indexer.features import CHUNK_FEATURES, FILE_FEATURES
from kibitz.indexer.vectors import Floats

TABLE = Path(__file__).with_name("ranking.toml")


@dataclass(frozen=True, slots=True)
class Weights:
    """What each feature of files and of chunks is worth, in the order of FILE_FEATURES and of CHUNK_FEATURES."""

    files: Floats
    chunks: Floats


@cache
def load_weights(path: Path = TABLE) -> Weights:
    """Read a table.

    Raises:
        KeyError: it lacks a feature.
    """
    table = tomllib.loads(path.read_text("utf-8"))
    files, chunks = (
        np.array([table[part][name] for name in names], np.float32)
        for part, names in (("files", FILE_FEATURES), ("chunks", CHUNK_FEATURES))
    )
    return Weights(files, chunks)
