"""What the files of a segment define and refer to, as arrays of keys that join without any name.

A segment knows a definition by a checksum of its name and a reference by one of its kind and name. A CRC is affine over
the bits that it sums up: crc(a + b) is crc(b) with a number that only `a` and the length of `b` decide. So the key of a
reference of each kind follows from that of a definition and the length of its name, for all of them at once.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.languages import LANGUAGES
from kibitz.indexer.ragged import Ints, begins, offsets_of
from kibitz.indexer.segment import Segment, definition_key, name_end
from kibitz.indexer.terms import joined, split, term_id
from kibitz.indexer.vectors import Floats

Keys = NDArray[np.uint32]

KIND_WEIGHTS = {"inherit": 2.0, "import": 2.0, "call": 1.0, "use": 1.0, "type": 1.0}
"""What a reference of each kind says about how much a file leans on another."""

TELLING = 3.0  # what a name of several words, or of a file, weighs beside a plain one
PRIVATE = 0.1  # what one weighs that is not meant for others
_TELLING_CHARS = 8
_MOST_NAME_BYTES = 255

# Languages that name each other's definitions; every other one is by itself.
_FAMILIES = (("javascript", "typescript", "html"), ("c", "cpp"), ("java", "kotlin", "scala"))
# Files that are named for the folder that they stand in.
_FOLDER_STEMS = frozenset({"index", "__init__", "mod", "lib", "main", "init"})


@dataclass(frozen=True, slots=True)
class Links:
    """Definitions and references of f files.

    Keys are mixed with the salt of the file's family of languages, so that only those of one family join.

    Attributes:
        salts: (f,) of the files' families.
        define_files, define_keys, define_lengths, define_values: (d,) what is defined where, each name of a file once;
            the bytes of the joined name, and what it weighs.
        stem_keys, stem_lengths: (f,) the names under which the files themselves are imported.
        refer_files, refer_keys, refer_times: (r,) what is referred to where, each key of a file once, and by how many
            chunks.
    """

    salts: Keys
    define_files: Ints
    define_keys: Keys
    define_lengths: NDArray[np.uint8]
    define_values: Floats
    stem_keys: Keys
    stem_lengths: NDArray[np.uint8]
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

    def defining(self, symbols: Ints, stems: Ints) -> tuple[Ints, Ints, Floats]:
        """What files define and what they are called: files, names' numbers, and what those weigh.

        Args:
            symbols: (d,) the numbers of what is defined.
            stems: (f,) the numbers of the files' own names.
        """
        values = np.full(len(stems), TELLING, np.float32)
        return (
            np.concatenate((self.define_files, np.arange(len(stems)))),
            np.concatenate((symbols, stems)),
            np.concatenate((self.define_values, values)),
        )


_KINDS: dict[str, type] = {
    "salts": np.uint32,
    "define_files": np.int64,
    "define_keys": np.uint32,
    "define_lengths": np.uint8,
    "define_values": np.float32,
    "stem_keys": np.uint32,
    "stem_lengths": np.uint8,
    "refer_files": np.int64,
    "refer_keys": np.uint32,
    "refer_times": np.float32,
}


def links_of(segment: Segment) -> Links:
    """The links of a segment's files."""
    salts = _salts()[segment.codes[segment.first[:-1], 1]]
    file_of = np.repeat(np.arange(len(segment.paths)), np.diff(segment.first))
    stems = [stem_of(path) for path in segment.paths]
    stem_keys = np.array([term_id(stem) for stem in stems], np.uint32)
    references = segment.references.triples()
    refer_files, refer_keys, times = _once(file_of[references.items], references.keys)
    files, keys, lengths, values = _defined(segment, file_of)
    return Links(
        salts=salts,
        define_files=files,
        define_keys=keys ^ salts[files],
        define_lengths=lengths,
        define_values=values,
        stem_keys=stem_keys ^ salts,
        stem_lengths=np.array([min(len(stem.encode("utf-8", "surrogatepass")), 255) for stem in stems], np.uint8),
        refer_files=refer_files,
        refer_keys=refer_keys ^ salts[refer_files],
        refer_times=times.astype(np.float32),
    )


def stem_of(path: str) -> str:
    """The joined name under which a file is imported: its own, or its folder's for an `__init__` or an `index`."""
    parts = path.rsplit("/", 2)
    stem = parts[-1].lstrip(".").split(".")[0]
    return joined(parts[-2] if len(parts) > 1 and stem.lower() in _FOLDER_STEMS else stem)


def as_reference(keys: Keys, lengths: NDArray[np.uint8], kind: str) -> Keys:
    """The keys of references of one kind to names, from the keys of their definitions and their lengths in bytes."""
    return keys ^ _shifts(kind)[lengths]


def value_of(name: str) -> float:
    """What a definition's name weighs, from how it is spelt."""
    if name.startswith("_") and not name.startswith("__"):
        return PRIVATE
    return TELLING if len(name) >= _TELLING_CHARS and len(split(name)) > 1 else 1.0


def _defined(segment: Segment, file_of: Ints) -> tuple[Ints, Keys, NDArray[np.uint8], Floats]:
    """Files, plain keys, lengths and values of what a segment's files define."""
    codes, place = np.unique(segment.defines, return_inverse=True)
    names = [segment.name_of(code) for code in codes.tolist()]
    lengths = np.array([len(joined(name_end(name)).encode("utf-8", "surrogatepass")) for name in names], np.int64)
    keys = np.array([definition_key(name) for name in names], np.uint32)
    values = np.array([value_of(name) for name in names], np.float32)
    chunk_of = np.repeat(np.arange(len(segment.spans)), np.diff(segment.define_offsets))
    packed = file_of[chunk_of].astype(np.uint64) << np.uint64(32) | keys[place]
    _, first = np.unique(packed, return_index=True)
    first = first[lengths[place[first]] <= _MOST_NAME_BYTES]
    chosen = place[first]
    return file_of[chunk_of[first]], keys[chosen], lengths[chosen].astype(np.uint8), values[chosen]


def _once(files: Ints, keys: Keys) -> tuple[Ints, Keys, Ints]:
    """Each (file, key) once, ascending, and how often it is there."""
    packed = files.astype(np.uint64) << np.uint64(32) | keys
    packed.sort()
    first = begins(packed)
    packed, times = packed[first], np.diff(np.append(first, len(packed)))
    return (packed >> np.uint64(32)).astype(np.int64), packed.astype(np.uint32), times


@cache
def _salts() -> Keys:
    """A number for each language's family, in the order of the codes of chunks."""
    family = {language: names[0] for names in _FAMILIES for language in names}
    return np.array([zlib.crc32(family.get(one, one).encode()) for one in ("", *LANGUAGES)], np.uint32)


@cache
def _shifts(kind: str) -> Keys:
    """What the CRC of a name of each length changes by when the kind and a blank stand in front of it."""
    head = kind.encode() + b" "
    nothing = [bytes(length) for length in range(_MOST_NAME_BYTES + 1)]
    return np.array([zlib.crc32(head + one) ^ zlib.crc32(one) for one in nothing], np.uint32)
