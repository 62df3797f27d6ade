"""Vectors in a byte a number, and how they are compared."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

PATH_WEIGHT = 0.4  # of a file's unit path vector, added to a chunk's unit vector
NAME_WEIGHT = 0.7  # of the unit vector of a chunk's names, added to that of its text
# Numbers turned to floats at a time: they stay in the processor's cache, and memory stays small. Much larger products
# are shared out to threads by numpy's BLAS, whose waiting costs tens of milliseconds where the processor is busy.
BLOCK_NUMBERS = 1 << 17

Floats = NDArray[np.float32]
Bytes = NDArray[np.int8]


def unit(vectors: Floats) -> Floats:
    """Vectors (dim,) or (n, dim) with length 1, but for those of length 0."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)


def quantised(vectors: Floats) -> Bytes:
    """The directions of vectors (n, dim) in a byte a number: the largest of a row becomes 127 or -127."""
    scales = np.abs(vectors).max(axis=1, initial=0.0) / np.float32(127)
    return np.rint(vectors / np.where(scales > 0, scales, np.float32(1))[:, None]).astype(np.int8)


def scales_of(vectors: Bytes) -> Floats:
    """What makes unit vectors of quantised ones: (n,), 0 for a row of nothing."""
    scales = np.zeros(len(vectors), np.float32)
    for block in _blocks(vectors.shape):
        norms = np.linalg.norm(vectors[block].astype(np.float32), axis=1)
        np.divide(1, norms, out=scales[block], where=norms > 0)
    return scales


def mixed(bodies: Bytes, paths: Floats, file_of: NDArray[np.int64]) -> Bytes:
    """Chunk vectors with their files' path vectors in them: (n, dim), from those of chunks and of files."""
    out = np.empty_like(bodies)
    lengths = unit(paths) * np.float32(PATH_WEIGHT)
    for block in _blocks(bodies.shape):
        out[block] = quantised(unit(bodies[block].astype(np.float32)) + lengths[file_of[block]])
    return out


def similarities(rows: Sequence[tuple[Bytes, Floats]], question: Floats) -> Floats:
    """The cosines of a question's vector (dim,) and of rows, some matrices of them one after the other: (n,).

    Each is (m, dim), with the scales (m,) that make unit vectors of its rows.
    """
    out = np.empty(sum(len(scales) for _, scales in rows), np.float32)
    if not len(out):
        return out
    import simsimd

    asked = quantised(question[None])
    length = float(np.linalg.norm(asked.astype(np.float32)))
    begin = 0
    for vectors, scales in rows:
        products = simsimd.cdist(asked, vectors, "dot", out_dtype="float32")
        np.multiply(np.asarray(products)[0], scales, out=out[begin : begin + len(scales)])
        begin += len(scales)
    out *= np.float32(1 / length if length else 0)
    return out


def _blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """The rows of a matrix, so many at a time that they have BLOCK_NUMBERS at most."""
    count, columns = shape
    size = max(1, BLOCK_NUMBERS // max(1, columns))
    return (slice(at, at + size) for at in range(0, count, size))
