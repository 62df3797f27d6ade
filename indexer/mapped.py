"""Arrays in one file, mapped into memory: every process that opens it shares its pages.

Layout: eight magic bytes, the header's length and CRC (little-endian u64 and u32), a JSON header that names each
array's type, shape and place, then the arrays, each at a multiple of 64 bytes.
"""

import json
import mmap
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.files import whole

Array = NDArray[Any]

_MAGIC = b"KBZARR1\n"
_FIXED = struct.Struct("<8sQI")
_ALIGN = 64
# Larger arrays are data whose damage changes a score; the smaller ones hold offsets, whose damage would change what
# is read. Checking everything would read the whole file at every start of a question.
_CHECKED_BYTES = 256 << 10


class DamagedFileError(Exception):
    """The file is missing, cut short or not what was written."""


def write_arrays(path: Path, arrays: Mapping[str, Array], meta: Mapping[str, Any]) -> None:
    """Write arrays and a JSON-able `meta` in one step: a reader sees the whole file or none."""
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    places: dict[str, dict[str, Any]] = {}
    at = 0
    for name, array in plain.items():
        places[name] = {"type": array.dtype.str, "shape": array.shape, "at": at, "crc": _crc(array)}
        at += _padded(array.nbytes)
    header = json.dumps({"arrays": places, "meta": dict(meta), "bytes": at}).encode()
    with whole(path) as file:
        start = _FIXED.pack(_MAGIC, len(header), zlib.crc32(header)) + header
        file.write(start.ljust(_padded(len(start)), b"\0"))
        for array in plain.values():
            file.write(array.reshape(-1).view(np.uint8).data if array.nbytes else b"")
            file.write(b"\0" * (_padded(array.nbytes) - array.nbytes))


def open_arrays(path: Path, *, check: bool = False) -> tuple[dict[str, Array], dict[str, Any]]:
    """Map a file's arrays (read-only) and read its `meta`; `check` looks at every byte of them.

    Raises:
        DamagedFileError: there is no such file, or it is not what was written.
    """
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        magic, length, crc = _FIXED.unpack_from(mapped)
        header = mapped[_FIXED.size : _FIXED.size + length]
        if magic != _MAGIC or zlib.crc32(header) != crc:
            raise DamagedFileError(f"not a file of arrays: {path}")
        described = json.loads(header)
        base = _padded(_FIXED.size + length)
        if base + described["bytes"] != len(mapped):
            raise DamagedFileError(f"cut short: {path}")
        arrays = {name: _view(mapped, base, place) for name, place in described["arrays"].items()}
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise DamagedFileError(f"cannot be read: {path}") from error
    for name, array in arrays.items():
        if (check or array.nbytes <= _CHECKED_BYTES) and _crc(array) != described["arrays"][name]["crc"]:
            raise DamagedFileError(f"damaged: {name} in {path}")
    return arrays, described["meta"]


def _view(mapped: mmap.mmap, base: int, place: dict[str, Any]) -> Array:
    shape = tuple(place["shape"])
    count = int(np.prod(shape, dtype=np.int64))
    return np.frombuffer(mapped, np.dtype(place["type"]), count, base + place["at"]).reshape(shape)


def _crc(array: Array) -> int:
    return zlib.crc32(array.reshape(-1).view(np.uint8).data) if array.nbytes else 0


def _padded(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN
