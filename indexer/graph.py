"""Which files lean on which, and PageRank over them.

The walk goes from a file to the names that it refers to, and from a name to the files that define it, which share it:
two sparse matrices in the place of one that would have an entry for each pair of files. A name that a file defines
itself leads nowhere else. Names do not cross languages, but for those that are used together.

All of a workspace is joined once. A later view of it differs in a few files: those that are gone are switched off, new
ones are joined to what is there, and the ranking starts from the last one. When many have changed all is joined again.
"""

from collections.abc import Hashable, Iterable

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.joined import Doubles, Joined, Names, Sums, among, shared, worth
from kibitz.indexer.links import KIND_WEIGHTS, Keys, Links, links_of
from kibitz.indexer.ragged import Ints
from kibitz.indexer.segment import Segment
from kibitz.indexer.vectors import Floats
from kibitz.indexer.view import View

DAMPING = 0.85
TOLERANCE = 1e-4  # the ranks have settled when they all together change by less
MOST_ROUNDS = 100
REJOIN_SHARE = 0.1  # of the chunks, in segments that were not there when all was joined
_REMEMBERED = 4  # purposes whose ranks are kept
_LEAST = 1e-9  # of what a file refers to: less is what is left of a difference


class Graph:
    """The files of a view, and which of them lean on which.

    Files are nodes: those of `joined` in its order, then those that were not there when it was made.

    Attributes:
        view: it.
        joined: what is kept from one view to the next.
        node_of: (f,) the view's files as nodes.
        alive: (nodes,) which of them the workspace has.
        counts: (names,) how many files define each name.
    """

    def __init__(self, view: View, before: "Graph | None" = None) -> None:
        """Join the files of a view, or only those that `before` did not have."""
        self.view = view
        self.joined: Joined = _kept(view, before.joined if before else None)
        self._before = before._ranks if before and before.joined is self.joined else {}
        nodes = len(self.joined.salts)
        places: list[Ints] = []
        new: list[Segment] = []
        for segment, _ in view.parts:
            first = self.joined.first_of(segment)
            if first is None:
                first = nodes
                nodes += len(segment.paths)
                new.append(segment)
            places.append(np.arange(first, first + len(segment.paths)))
        self.node_of: Ints = np.concatenate(places) if places else np.zeros(0, np.int64)
        self.alive = np.zeros(nodes, bool)
        self.alive[self.node_of] = view.alive
        self._ranks: dict[Hashable, Floats] = {}
        self._join(view, Links.joined([links_of(segment) for segment in new]))

    def _join(self, view: View, links: Links) -> None:
        """Switch off what is gone, and join what is new."""
        base, kept = self.joined, len(self.joined.salts)
        self.salts = salts = np.concatenate((base.salts, links.salts))
        symbols = _unknown(base.symbols, len(base.counts), links.define_keys, links.define_lengths, KIND_WEIGHTS)
        second = len(base.counts) + len(symbols.keys)
        stems = _unknown(base.stems, second, links.stem_keys, links.stem_lengths, ("import",))
        names = second + len(stems.keys)
        self._symbols = (base.symbols, symbols)

        of, defined, values = links.defining(
            np.maximum(base.symbols.numbered(links.define_keys), symbols.numbered(links.define_keys)),
            np.maximum(base.stems.numbered(links.stem_keys), stems.numbered(links.stem_keys)),
        )
        of += kept
        salt_of = np.zeros(names, np.uint32)
        salt_of[defined] = salts[of]
        self._count(names, of, defined, values)

        parts = [base.symbols.entries(links), base.stems.entries(links)]
        parts = [(by + kept, referred, weights) for by, referred, weights in parts]
        file_nodes = self.node_of[view.file_of]
        parts += [_entries(view, group, salt_of, salts, file_nodes) for group in (symbols, stems)]
        by, referred, weights = (np.concatenate(side) for side in zip(*parts, strict=True))
        foreign = ~among(by, referred, of, defined, names)
        by, referred, weights = by[foreign], referred[foreign], weights[foreign]

        self._is_symbol = np.zeros(names, bool)
        for group in self._symbols:
            self._is_symbol[group.first : group.first + len(group.keys)] = True
        self.out = np.append(base.out, np.zeros(len(self.alive) - kept))
        changed = (self.worth[: len(base.counts)] != base.worth).nonzero()[0]
        if len(changed):
            rows, files, theirs = base.refers.of_rows(changed)
            self.out += np.bincount(files, theirs * (self.worth[rows] - base.worth[rows]), len(self.out))
        self.out += np.bincount(by, weights * self.worth[referred], len(self.out))
        self.refers = (base.refers, Sums.of(referred, by, weights))
        self.defines = (base.defines, Sums.of(of, defined, values))

    def _count(self, names: int, of: Ints, defined: Ints, values: Floats) -> None:
        """How many files define each name now, and what it weighs."""
        base = self.joined
        gone = (~self.alive[: len(base.salts)]).nonzero()[0]
        _, lost, theirs = base.defines.of_rows(gone)
        here = self.alive[of]
        more = np.zeros(names - len(base.counts))
        self.counts = np.append(base.counts, more)
        self.counts += np.bincount(defined[here], minlength=names) - np.bincount(lost, minlength=names)
        sums = np.append(base.sums, more)
        sums += np.bincount(defined[here], values[here], names) - np.bincount(lost, theirs, names)
        self.worth: Doubles = worth(self.counts, sums)

    def ranks(self, restart: Floats, purpose: Hashable = None) -> Floats:
        """PageRank of all nodes, (nodes,) with sum 1: where a walk is that now and then starts anew at `restart`.

        Page, Brin, Motwani and Winograd, "The PageRank Citation Ranking: Bringing Order to the Web", 1999.

        Args:
            restart: (nodes,) with sum 1, nothing for files that are not alive.
            purpose: what the restart stands for: its ranks are remembered, and those in the graph before this one are
                where it begins.
        """
        if (found := self._ranks.get(purpose)) is not None:
            return found
        ranks = self._start(restart, self._before.get(purpose))
        for _ in range(MOST_ROUNDS):
            last, ranks = ranks, self._step(ranks, restart)
            if float(np.abs(ranks - last).sum()) < TOLERANCE:
                break
        self._ranks = {**dict(list(self._ranks.items())[1 - _REMEMBERED :]), purpose: ranks}
        return ranks

    def flows(self, ranks: Floats) -> Floats:
        """What of the ranks goes through each name to each file that defines it, (names,)."""
        leaving = np.divide(ranks, self.out, out=np.zeros(len(ranks)), where=self.out > _LEAST).astype(np.float32)
        flows = np.zeros(len(self.counts), np.float32)
        for refers in self.refers:
            refers.add(flows, leaving)
        flows *= shared(self.counts)
        return flows

    def defined(self, flows: Floats, shown: NDArray[np.bool_]) -> tuple[Ints, Floats]:
        """All definitions of some nodes (nodes,): their nodes, and what of the flows each gets."""
        nodes, scores = [], []
        for defines in self.defines:
            sizes = np.diff(np.append(defines.starts, len(defines.columns)))
            of = np.repeat(defines.numbers, sizes)
            chosen = shown[of] & self._is_symbol[defines.columns]
            nodes.append(of[chosen])
            scores.append((flows[defines.columns] * defines.values)[chosen])
        return np.concatenate(nodes), np.concatenate(scores)

    def numbers_of(self, keys: Keys) -> Ints:
        """The numbers of names that are defined under some keys, in all languages."""
        every = np.unique((keys[:, None] ^ np.unique(self.salts)).ravel())
        numbers = np.concatenate([names.numbered(every) for names in self._symbols])
        return numbers[numbers >= 0]

    def strengths(self, flows: Floats, node: int, keys: Keys) -> Floats:
        """What each name that a node defines under some keys gets of the flows; 0 where there is none."""
        known, new = (names.numbered(keys ^ self.salts[node]) for names in self._symbols)
        numbers = np.maximum(known, new)
        return np.where(numbers >= 0, flows[numbers], np.float32(0))

    def _step(self, ranks: Floats, restart: Floats) -> Floats:
        flows = self.flows(ranks)
        reached = np.zeros(len(ranks), np.float32)
        for defines in self.defines:
            defines.add(reached, flows)
        reached *= np.float32(DAMPING) * self.alive
        # What refers to nothing that is known, and what the dead get, starts anew.
        reached += np.float32(1 - reached.sum(dtype=np.float64)) * restart
        return reached

    def _start(self, restart: Floats, before: Floats | None) -> Floats:
        if before is None or not len(restart):
            return restart
        ranks = restart.copy()
        kept = len(self.joined.salts)
        ranks[:kept] = before[:kept] * self.alive[:kept]
        ranks /= ranks.sum()
        return ranks


def _kept(view: View, joined: Joined | None) -> Joined:
    """What was joined, if most of the view is in it; else the view's segments, joined anew."""
    if joined is not None:
        new = sum(len(one.spans) for one, _ in view.parts if joined.first_of(one) is None)
        if new <= REJOIN_SHARE * joined.chunks:
            return joined
    return Joined.of([segment for segment, _ in view.parts])


def _unknown(known: Names, first: int, keys: Keys, lengths: NDArray[np.uint8], kinds: Iterable[str]) -> Names:
    """Those names that are not among others, numbered from `first` on."""
    new = known.numbered(keys) < 0
    return Names.of(first, keys[new], lengths[new], tuple(kinds))


def _entries(view: View, names: Names, salt_of: Keys, salts: Keys, file_nodes: Ints) -> tuple[Ints, Ints, Floats]:
    """The references of all files of a view to names: their nodes, the names' numbers, and what they weigh."""
    theirs = salt_of[names.numbers]
    held = view.references.find((names.table ^ theirs).tolist())
    by: list[Ints] = [np.zeros(0, np.int64)]
    referred: list[Ints] = [np.zeros(0, np.int64)]
    weights: list[Floats] = [np.zeros(0, np.float32)]
    for key, salt, number, weight in zip(names.table ^ theirs, theirs, names.numbers, names.weights, strict=True):
        if int(key) in held:
            nodes, times = np.unique(file_nodes[held[int(key)][0]], return_counts=True)
            family = salts[nodes] == salt
            by.append(nodes[family])
            referred.append(np.full(len(by[-1]), number, np.int64))
            weights.append((weight * np.sqrt(times[family])).astype(np.float32))
    return np.concatenate(by), np.concatenate(referred), np.concatenate(weights)
