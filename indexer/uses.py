"""How much a workspace leans on each of its files: by how many others refer to what it defines.

A segment counts for each name how many of its files refer to it, and for each definition whether its own file does:
that is all that is needed to put the counts of several segments together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.imports import FILE
from kibitz.indexer.keys import CAPITAL, KIND_CODES, KIND_MASK
from kibitz.indexer.lexical import Triples
from kibitz.indexer.ragged import Ints, begins
from kibitz.indexer.vectors import Floats

MOST_DEFINERS = 3  # a name that more files define says of none of them that it is meant

Keys = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Uses:
    """Names and definitions of one segment.

    Attributes:
        names: (u,) uint32 ascending, what is referred to, whatever the kind of the reference.
        users: (u,) how many files refer to each.
        defined, definers: (d,) names' keys and the files that define them, each pair once.
        own: (d,) how many spellings of the name its file itself refers to, of two: `Pool` and `pool` are not the same.
    """

    names: Keys
    users: NDArray[Any]
    defined: Keys
    definers: Ints
    own: NDArray[np.uint8]


def referred(keys: Keys) -> Keys:
    """The names that ascending keys of references speak of, each once, without what imports say of files."""
    plain: Keys = keys[(keys & KIND_MASK) != KIND_CODES[FILE]] & ~np.uint32(KIND_MASK)
    return plain[begins(plain)]


def definers_of(definitions: Triples, file_of: Ints) -> tuple[Keys, Ints]:
    """Each (name, file) of the definitions in chunks once, ascending."""
    pairs = np.unique(_pairs(definitions.keys, file_of[definitions.items]))
    return (pairs >> np.uint64(32)).astype(np.uint32), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)


def count(references: Triples, definitions: Triples, file_of: Ints) -> tuple[Ints, NDArray[np.uint8]]:
    """`users` and `own` of a segment's Uses, from its postings and the files of its chunks."""
    plain = (references.keys & KIND_MASK) != KIND_CODES[FILE]
    keys = references.keys[plain] & ~np.uint32(KIND_MASK)
    used = np.unique(_pairs(keys, file_of[references.items[plain]]))
    starts = begins(used >> np.uint64(32))
    users = np.diff(np.append(starts, len(used)))
    defined, definers = definers_of(definitions, file_of)
    own = sum((np.isin(_pairs(key, definers), used).astype(np.uint8) for key in _spellings(defined)), np.uint8(0))
    return users, np.asarray(own, np.uint8).reshape(-1)


def centrality(parts: Sequence[Uses], bases: Sequence[int], alive: NDArray[np.bool_]) -> Floats:
    """How much the files lean on each of them, (f,), from 0 to 1 for the one that they lean on most.

    A file gets for each name that it defines the number of other files that refer to it, shared by all that define it;
    of the sum the logarithm counts. References of files that the workspace has no longer are still among them.

    Args:
        parts: what each segment knows.
        bases: the number of each one's first file.
        alive: (f,) which files the workspace has.
    """
    sums = np.zeros(len(alive))
    if not parts:
        return sums.astype(np.float32)
    names, place = np.unique(np.concatenate([one.names for one in parts]), return_inverse=True)
    users = np.bincount(place, np.concatenate([one.users for one in parts]), len(names))
    defined = np.concatenate([one.defined for one in parts])
    files = np.concatenate([one.definers + base for one, base in zip(parts, bases, strict=True)])
    own = np.concatenate([one.own for one in parts])
    here = alive[files]
    defined, files, own = defined[here], files[here], own[here]
    every, place, definers = np.unique(defined, return_inverse=True, return_counts=True)
    used = np.zeros(len(every))
    for keys in _spellings(every):
        at = np.minimum(names.searchsorted(keys), max(len(names) - 1, 0))
        used += np.where(names[at] == keys, users[at], 0) if len(names) else 0
    few = definers <= MOST_DEFINERS
    gained = np.maximum(used[place] - own, 0) * few[place] / definers[place]
    sums = np.log1p(np.bincount(files, gained, len(alive)))
    return (sums / max(float(sums.max(initial=0.0)), 1e-6)).astype(np.float32)


def _spellings(defined: Keys) -> tuple[Keys, Keys]:
    """The keys under which a defined name may be referred to: small and capital."""
    plain = defined & ~np.uint32(KIND_MASK)
    return plain, plain ^ np.uint32(CAPITAL)


def _pairs(keys: Keys, files: Ints) -> NDArray[np.uint64]:
    packed: NDArray[np.uint64] = keys.astype(np.uint64) << np.uint64(32) | files.astype(np.uint64)
    return packed
