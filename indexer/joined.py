"""References joined to definitions by name, for all files of some segments."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.links import KIND_WEIGHTS, Keys, Links, as_reference, links_of
from kibitz.indexer.ragged import Ints, begins, offsets_of, rows
from kibitz.indexer.segment import Segment
from kibitz.indexer.vectors import Floats

COMMON = 5  # a name that more files define says less about each of them

Doubles = NDArray[np.float64]
Numbers = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Sums:
    """A sparse matrix by rows, of which only those with something in them are kept, by their ascending `numbers`."""

    numbers: Ints
    starts: Ints
    columns: Numbers
    values: Floats

    @classmethod
    def of(cls, rows_of: NDArray[np.int64], columns: NDArray[np.int64], values: Floats) -> "Sums":
        """From entries in any order."""
        order = np.argsort(rows_of, kind="stable")
        ordered = rows_of[order]
        starts = begins(ordered)
        return cls(ordered[starts], starts, columns[order].astype(np.int32), values[order])

    def add(self, out: Floats, vector: Floats) -> None:
        """Add the product with a vector."""
        if len(self.starts):
            out[self.numbers] += np.add.reduceat(vector[self.columns] * self.values, self.starts)

    def of_rows(self, wanted: Ints) -> tuple[Ints, Numbers, Floats]:
        """The entries of some rows: their rows, columns and values."""
        if not len(self.numbers):
            return self.starts, self.columns, self.values
        at = np.minimum(self.numbers.searchsorted(wanted), len(self.numbers) - 1)
        at = at[self.numbers[at] == wanted]
        sizes, places = rows(np.append(self.starts, len(self.columns)), at)
        return np.repeat(self.numbers[at], sizes), self.columns[places], self.values[places]


@dataclass(frozen=True, slots=True)
class Names:
    """Names that are defined, and the references that lead to them.

    Attributes:
        first: the number of the first one.
        keys: (u,) uint32 ascending, see Links.
        table: (t,) uint32 ascending, the keys of references to them.
        numbers, weights: (t,) which name it is, and what the reference's kind weighs.
    """

    first: int
    keys: Keys
    table: Keys
    numbers: Numbers
    weights: Floats

    @classmethod
    def of(cls, first: int, keys: Keys, lengths: NDArray[np.uint8], kinds: Sequence[str]) -> "Names":
        """Names, each once or more often, to which references of some kinds lead."""
        keys, at = np.unique(keys, return_index=True)
        table = np.concatenate([as_reference(keys, lengths[at], kind) for kind in kinds])
        order = np.argsort(table, kind="stable")
        weights = np.repeat(np.array([KIND_WEIGHTS[kind] for kind in kinds], np.float32), len(keys))
        numbers = np.tile(np.arange(first, first + len(keys), dtype=np.int32), len(kinds))
        return cls(first, keys, table[order], numbers[order], weights[order])

    def numbered(self, keys: Keys) -> Ints:
        """The numbers of names, -1 for one that is not among these."""
        if not len(self.keys):
            return np.full(len(keys), -1)
        at = np.minimum(self.keys.searchsorted(keys), len(self.keys) - 1)
        return np.where(self.keys[at] == keys, at + self.first, -1)

    def entries(self, links: Links) -> tuple[Ints, Ints, Floats]:
        """References that lead to these names: their files, the names' numbers, and what they weigh."""
        if not len(self.table):
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)
        at = np.minimum(self.table.searchsorted(links.refer_keys), len(self.table) - 1)
        found = (self.table[at] == links.refer_keys).nonzero()[0]
        at = at[found]
        weights = self.weights[at] * np.sqrt(links.refer_times[found])
        return links.refer_files[found], self.numbers[at].astype(np.int64), weights


@dataclass(frozen=True, slots=True)
class Joined:
    """The files of some segments, joined.

    Attributes:
        segments: they themselves, with the number of each one's first file.
        chunks: how many they have.
        salts: (f,) of the files' families of languages.
        symbols, stems: the names of definitions and of files.
        refers: names by the files that refer to them.
        defines: files by the names that they define, with what those weigh.
        counts, sums: (u,) how many files define a name, and what it weighs in all of them together.
        worth: (u,) what it weighs where it is referred to.
        out: (f,) what all that a file refers to weighs.
    """

    segments: tuple[tuple[Segment, int], ...]
    chunks: int
    salts: Keys
    symbols: Names
    stems: Names
    refers: Sums
    defines: Sums
    counts: Doubles
    sums: Doubles
    worth: Doubles
    out: Doubles

    @classmethod
    def of(cls, segments: Sequence[Segment]) -> "Joined":
        """Join all files of these segments, whether a workspace has them or not."""
        links = Links.joined([links_of(segment) for segment in segments])
        firsts = offsets_of([len(segment.paths) for segment in segments])[:-1].tolist()
        symbols = Names.of(0, links.define_keys, links.define_lengths, tuple(KIND_WEIGHTS))
        stems = Names.of(len(symbols.keys), links.stem_keys, links.stem_lengths, ("import",))
        files = len(links.salts)
        names = len(symbols.keys) + len(stems.keys)
        of, defined, values = links.defining(symbols.numbered(links.define_keys), stems.numbered(links.stem_keys))
        parts = [symbols.entries(links), stems.entries(links)]
        by, referred, weights = (np.concatenate(side) for side in zip(*parts, strict=True))
        foreign = ~among(by, referred, of, defined, names)
        by, referred, weights = by[foreign], referred[foreign], weights[foreign]
        counts = np.bincount(defined, minlength=names).astype(np.float64)
        sums: Doubles = np.bincount(defined, values, names).astype(np.float64)
        worths = worth(counts, sums)
        out: Doubles = np.bincount(by, weights * worths[referred], files).astype(np.float64)
        return cls(
            segments=tuple(zip(segments, firsts, strict=True)),
            chunks=sum(len(segment.spans) for segment in segments),
            salts=links.salts,
            symbols=symbols,
            stems=stems,
            refers=Sums.of(referred, by, weights),
            defines=Sums.of(of, defined, values),
            counts=counts,
            sums=sums,
            worth=worths,
            out=out,
        )

    def first_of(self, segment: Segment) -> int | None:
        """The number of the first file of a segment, None when it is not one of these."""
        same = (first for one, first in self.segments if one is segment or (one.name and one.name == segment.name))
        return next(same, None)


def worth(counts: Doubles, sums: Doubles) -> Doubles:
    """What names weigh where they are referred to: the mean of their definitions, less where many files have one."""
    return np.where(counts > 0, sums * shared(counts), 0)


def shared(counts: Doubles) -> Doubles:
    """The share of a name that each of its definitions gets of a reference to it, which is less than all of it."""
    many = np.maximum(counts, 1)
    return np.minimum(1, COMMON / many) / many


def among(files: Ints, names: Ints, of: Ints, defined: Ints, count: int) -> NDArray[np.bool_]:
    """Which (file, name) are among others."""
    if not len(of):
        return np.zeros(len(files), bool)
    others = np.sort(of * count + defined)
    wanted = files * count + names
    found: NDArray[np.bool_] = others[np.minimum(others.searchsorted(wanted), len(others) - 1)] == wanted
    return found
