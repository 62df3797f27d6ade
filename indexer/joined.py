"""References joined to definitions by name, for all files of some segments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.imports import FILE
from kibitz.indexer.links import KIND_WEIGHTS, Keys, Links, as_reference, links_of
from kibitz.indexer.queries import REFERENCE_KINDS
from kibitz.indexer.ragged import Ints, begins, offsets_of, rows
from kibitz.indexer.segment import Segment
from kibitz.indexer.vectors import Floats

UNSEEN = 0.02  # what a reference weighs to what its file does not see: mostly something of a library
MOST_DEFINERS = 16  # a name that more files define is seen by none
_BLOCK = 1 << 16  # references looked at together: what is made of them on the way stays small
COMMON = 5  # a name that more files define says less about each of them

Doubles = NDArray[np.float64]
Numbers = NDArray[np.int32]
Entries = tuple[Ints, Ints, Floats]  # references: the files, the names' numbers, what they weigh


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

    def of_rows(self, wanted: Ints, most: int | None = None) -> tuple[Ints, Numbers, Floats]:
        """The entries of some rows: the places of the rows among those wanted, columns and values.

        Rows with more than `most` entries have none.
        """
        if not len(self.numbers):
            return self.starts, self.columns, self.values
        offsets = np.append(self.starts, len(self.columns))
        at = np.minimum(self.numbers.searchsorted(wanted), len(self.numbers) - 1)
        there = self.numbers[at] == wanted
        if most is not None:
            there &= np.diff(offsets)[at] <= most
        kept = there.nonzero()[0]
        sizes, places = rows(offsets, at[kept])
        return np.repeat(kept, sizes), self.columns[places], self.values[places]


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
    def of(cls, first: int, keys: Keys, kinds: Sequence[str]) -> "Names":
        """Names, each once or more often, to which references of some kinds lead."""
        keys = np.unique(keys)
        table = np.concatenate([as_reference(keys, kind) for kind in kinds])
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

    def entries(self, links: Links) -> Entries:
        """References that lead to these names: their files, the names' numbers, and what they weigh."""
        if not len(self.table):
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)
        order = np.argsort(links.refer_keys)  # what is looked up in order is found in the processor's cache
        keys = links.refer_keys[order]
        at = np.minimum(self.table.searchsorted(keys), len(self.table) - 1)
        same = self.table[at] == keys
        at, found = at[same], order[same]
        weights = self.weights[at] * np.sqrt(links.refer_times[found])
        return links.refer_files[found], self.numbers[at].astype(np.int64), weights


@dataclass(frozen=True, slots=True)
class Sight:
    """Which files see what others define: those of their own scope, and those that they import.

    Attributes:
        scopes: (f,) see Links.
        own: (f, 2) the numbers of the files' own names, -1 for none.
        imports: (i,) uint64 ascending, files in the upper half and the own names that they import in the lower.
    """

    scopes: Keys
    own: Ints
    imports: NDArray[np.uint64]

    @classmethod
    def of(cls, links: Links, own: Ints, by: Ints, imported: Ints) -> "Sight":
        """What files see, from the numbers of their own names and who imports which of those."""
        numbers = np.full((len(links.scopes), 2), -1)
        second = np.diff(links.own_files, prepend=-1) == 0
        numbers[links.own_files, second.astype(np.int64)] = own
        return cls(links.scopes, numbers, np.sort(packed(by, imported)))

    def and_of(self, other: "Sight") -> "Sight":
        """What these files and further ones see, whose imports are numbered behind these."""
        both = np.concatenate((self.imports, other.imports))
        both.sort(kind="stable")
        return Sight(np.concatenate((self.scopes, other.scopes)), np.concatenate((self.own, other.own)), both)

    def sees(self, files: Ints, names: Ints, every: "Sequence[Sums]") -> NDArray[np.bool_]:
        """Whether files see one of the files that define a name, of `every` list of such files; (k,) each."""
        seen = np.zeros(len(files), bool)
        for definers in every:
            for start in range(0, len(files), _BLOCK):
                block = slice(start, start + _BLOCK)
                at, others, _ = definers.of_rows(names[block], MOST_DEFINERS)
                seen[start + at[self._sees(files[block][at], others)]] = True
        return seen

    def _sees(self, files: Ints, others: Numbers) -> NDArray[np.bool_]:
        seen: NDArray[np.bool_] = self.scopes[files] == self.scopes[others]
        for side in range(self.own.shape[1] if len(self.imports) else 0):
            wanted = packed(files, self.own[others, side])
            seen |= self.imports[np.minimum(self.imports.searchsorted(wanted), len(self.imports) - 1)] == wanted
        return seen


@dataclass(frozen=True, slots=True)
class Joined:
    """The files of some segments, joined.

    Attributes:
        segments: the number of each one's first file, by its name.
        nameless: those that stand on no disk: they are held, so that each is known by where it lies in memory.
        chunks: how many they have.
        salts: (f,) of the files' families of languages.
        symbols, own: the names of definitions and of files.
        sight: which files see what others define.
        definers: names by the files that define them.
        refers: names by the files that refer to them.
        defines: files by the names that they define, with what those weigh.
        counts, sums: (u,) how many files define a name, and what it weighs in all of them together.
        worth: (u,) what it weighs where it is referred to.
        out: (f,) what all that a file refers to weighs.
    """

    segments: Mapping[str | int, int]
    nameless: tuple[Segment, ...]
    chunks: int
    salts: Keys
    symbols: Names
    own: Names
    sight: Sight
    definers: Sums
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
        symbols = Names.of(0, links.define_keys, REFERENCE_KINDS)
        own = Names.of(len(symbols.keys), links.own_keys, (FILE,))
        files = len(links.salts)
        names = len(symbols.keys) + len(own.keys)
        of, defined, values = links.defining(symbols.numbered(links.define_keys), own.numbered(links.own_keys))
        definers = Sums.of(defined, of, values)
        imports = own.entries(links)
        sight = Sight.of(links, own.numbered(links.own_keys), imports[0], imports[1])
        by, referred, weights = chained([symbols.entries(links), imports])
        foreign = ~among(by, referred, of, defined)
        order = foreign.nonzero()[0]
        order = order[np.argsort(referred[order], kind="stable")]
        by, referred, weights = by[order], referred[order], weights[order]
        weights[~sight.sees(by, referred, (definers,))] *= UNSEEN
        counts = np.bincount(defined, minlength=names).astype(np.float64)
        sums: Doubles = np.bincount(defined, values, names).astype(np.float64)
        worths = worth(counts, sums)
        out: Doubles = np.bincount(by, weights * worths[referred], files).astype(np.float64)
        return cls(
            segments=dict(zip(map(_key, segments), firsts, strict=True)),
            nameless=tuple(segment for segment in segments if not segment.name),
            chunks=sum(len(segment.spans) for segment in segments),
            salts=links.salts,
            symbols=symbols,
            own=own,
            sight=sight,
            definers=definers,
            refers=Sums.of(referred, by, weights),
            defines=Sums.of(of, defined, values),
            counts=counts,
            sums=sums,
            worth=worths,
            out=out,
        )

    def first_of(self, segment: Segment) -> int | None:
        """The number of the first file of a segment, None when it is not one of these."""
        return self.segments.get(_key(segment))


def _key(segment: Segment) -> str | int:
    return segment.name or id(segment)


def worth(counts: Doubles, sums: Doubles) -> Doubles:
    """What names weigh where they are referred to: the mean of their definitions, less where many files have one."""
    return np.where(counts > 0, sums * shared(counts), 0)


def shared(counts: Doubles) -> Doubles:
    """The share of a name that each of its definitions gets of a reference to it, which is less than all of it."""
    many = np.maximum(counts, 1)
    return np.minimum(1, COMMON / many) / many


def chained(entries: Sequence[Entries]) -> Entries:
    """Several as one."""
    by, referred, weights = (np.concatenate(side) for side in zip(*entries, strict=True))
    return by, referred, weights


def packed(files: NDArray[Any], numbers: NDArray[Any]) -> NDArray[np.uint64]:
    """Pairs of a file and a number as one number each."""
    both: NDArray[np.uint64] = files.astype(np.uint64) << np.uint64(32) | (numbers & 0xFFFFFFFF).astype(np.uint64)
    return both


def among(files: Ints, names: Ints, of: Ints, defined: Ints) -> NDArray[np.bool_]:
    """Which (file, name) are among others."""
    if not len(of):
        return np.zeros(len(files), bool)
    others, wanted = np.sort(packed(of, defined)), packed(files, names)
    found: NDArray[np.bool_] = others[np.minimum(others.searchsorted(wanted), len(others) - 1)] == wanted
    return found
