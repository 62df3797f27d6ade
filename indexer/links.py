"""What the files of a segment define and refer to, as arrays of keys that join without any name.

The key of a reference is that of the name, with its kind in the low bits.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.imports import FILE, names_of
from kibitz.indexer.languages import LANGUAGES
from kibitz.indexer.ragged import Ints, begins, offsets_of
from kibitz.indexer.segment import KIND_CODES, KIND_MASK, Segment, name_key
from kibitz.indexer.terms import term_id
from kibitz.indexer.vectors import Floats

Keys = NDArray[np.uint32]

KIND_WEIGHTS = {"inherit": 2.0, "import": 2.0, "call": 1.0, "use": 1.0, "type": 1.0, FILE: 2.0}
"""What a reference of each kind says about how much a file leans on another."""

TELLING = 3.0  # what a name of several words, or of a file, weighs beside a plain one
PRIVATE = 0.1  # what one weighs that is not meant for others
ASIDE = 0.1  # what one weighs in a test or an example
_TELLING_CHARS = 8

# Languages that name each other's definitions; every other one is by itself.
_FAMILIES = (("javascript", "typescript", "html"), ("c", "cpp"), ("java", "kotlin", "scala"))
# Languages in which a file sees nothing of another one that it does not import, not even in its own folder.
_IMPORTING = ("python", "javascript", "typescript", "html", "c", "cpp", "css")


@dataclass(frozen=True, slots=True)
class Links:
    """Definitions and references of f files.

    Keys are mixed with the salt of the file's family of languages, so that only those of one family join.

    Attributes:
        salts: (f,) of the files' families.
        define_files, define_keys, define_values: (d,) what is defined where, each name of a file once, and what it
            weighs.
        scopes: (f,) a number for where a file sees what others define without importing it: its folder, or it alone.
        own_files, own_keys: (o,) the names under which the files themselves are imported.
        refer_files, refer_keys, refer_times: (r,) what is referred to where, each key of a file once, and by how many
            chunks.
    """

    salts: Keys
    define_files: Ints
    define_keys: Keys
    define_values: Floats
    scopes: Keys
    own_files: Ints
    own_keys: Keys
    refer_files: Ints
    refer_keys: Keys
    refer_times: Floats

    @classmethod
    def joined(cls, every: "Sequence[Links]") -> "Links":
        """Several as one, their files numbered through."""
        bases = offsets_of([len(one.salts) for one in every])[:-1].tolist()

        def whole(name: str) -> Any:
            parts = [getattr(one, name) for one in every]
            if name.endswith("_files"):
                parts = [part + base for part, base in zip(parts, bases, strict=True)]
            return np.concatenate(parts) if parts else np.zeros(0, _KINDS[name])

        return cls(**{name: whole(name) for name in _KINDS})

    def defining(self, symbols: Ints, own: Ints) -> tuple[Ints, Ints, Floats]:
        """What files define and what they are called: files, names' numbers, and what those weigh.

        Args:
            symbols: (d,) the numbers of what is defined.
            own: (o,) the numbers of the files' own names.
        """
        return (
            np.concatenate((self.define_files, self.own_files)),
            np.concatenate((symbols, own)),
            np.concatenate((self.define_values, np.full(len(own), TELLING, np.float32))),
        )


_KINDS: dict[str, type] = {
    "salts": np.uint32,
    "define_files": np.int64,
    "define_keys": np.uint32,
    "define_values": np.float32,
    "scopes": np.uint32,
    "own_files": np.int64,
    "own_keys": np.uint32,
    "refer_files": np.int64,
    "refer_keys": np.uint32,
    "refer_times": np.float32,
}


def links_of(segment: Segment) -> Links:
    """The links of a segment's files."""
    languages = segment.codes[segment.first[:-1], 1]
    salts = _salts()[languages]
    file_of = np.repeat(np.arange(len(segment.paths)), np.diff(segment.first))
    references = segment.references.triples()
    refer_files, refer_keys, times = _once(file_of[references.items], references.keys)
    files, keys, values = _defined(segment, file_of)
    own = [(at, name) for at, path in enumerate(segment.paths) for name in names_of(path)]
    own_files = np.array([at for at, _ in own], np.int64)
    return Links(
        salts=salts,
        define_files=files,
        define_keys=keys ^ salts[files],
        define_values=values * np.where(segment.aside[files], np.float32(ASIDE), np.float32(1)),
        scopes=_scopes(segment.paths, _importing()[languages]),
        own_files=own_files,
        own_keys=np.array([term_id(name) for _, name in own], np.uint32) ^ salts[own_files],
        refer_files=refer_files,
        refer_keys=refer_keys ^ salts[refer_files],
        refer_times=times.astype(np.float32),
    )


def as_reference(keys: Keys, kind: str) -> Keys:
    """The keys of references of one kind to names, from the names' keys."""
    return (keys & ~np.uint32(KIND_MASK)) | np.uint32(KIND_CODES[kind])


def value_of(name: str) -> float:
    """What a definition's name weighs, from how it is spelt."""
    if name.startswith("_") or name.endswith("_"):  # `__len__` is called as `len`, `list_` stands beside a `list`
        return PRIVATE
    several = "_" in name or not (name[1:].islower() or name.isupper())
    return TELLING if several and len(name) >= _TELLING_CHARS else 1.0


def _defined(segment: Segment, file_of: Ints) -> tuple[Ints, Keys, Floats]:
    """Files, keys and values of what a segment's files define."""
    codes, place = np.unique(segment.defines, return_inverse=True)
    names = [segment.name_of(code) for code in codes.tolist()]
    keys = np.array([name_key(name) for name in names], np.uint32)
    values = np.array([value_of(name) for name in names], np.float32)
    chunk_of = np.repeat(np.arange(len(segment.spans)), np.diff(segment.define_offsets))
    packed = file_of[chunk_of].astype(np.uint64) << np.uint64(32) | keys[place]
    _, first = np.unique(packed, return_index=True)
    chosen = place[first]
    return file_of[chunk_of[first]], keys[chosen], values[chosen]


def _once(files: Ints, keys: Keys) -> tuple[Ints, Keys, Ints]:
    """Each (file, key) once, ascending, and how often it is there."""
    packed = files.astype(np.uint64) << np.uint64(32) | keys
    packed.sort()
    first = begins(packed)
    packed, times = packed[first], np.diff(np.append(first, len(packed)))
    return (packed >> np.uint64(32)).astype(np.int64), packed.astype(np.uint32), times


def _scopes(paths: Sequence[str], alone: NDArray[np.bool_]) -> Keys:
    scopes = [path if one else path.rpartition("/")[0] + "/" for path, one in zip(paths, alone.tolist(), strict=True)]
    return np.array([term_id(scope) for scope in scopes], np.uint32)


@cache
def _importing() -> NDArray[np.bool_]:
    """Which languages are among _IMPORTING, in the order of the codes of chunks."""
    return np.array([language in _IMPORTING for language in ("", *LANGUAGES)])


@cache
def _salts() -> Keys:
    """A number for each language's family, in the order of the codes of chunks."""
    family = {language: names[0] for names in _FAMILIES for language in names}
    salts = [zlib.crc32(family.get(one, one).encode()) & ~KIND_MASK for one in ("", *LANGUAGES)]
    return np.array(salts, np.uint32)
