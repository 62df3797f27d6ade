"""Which files lean on which, and PageRank over them.

The walk goes from a file to the names that it refers to, and from a name to the files that define it, which share it:
two sparse matrices in the place of one that would have an entry for each pair of files. A name that a file defines
itself leads nowhere else. Names do not cross languages, but for those that are used together.

All of a workspace is joined once. A later view of it differs in a few files: those that are gone are switched off, new
ones are joined to what is there, and the ranking starts from the last one. When many have changed all is joined again.
"""

import weakref
from collections.abc import Hashable, Iterable

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.imports import FILE, names_of
from kibitz.indexer.joined import UNSEEN, Doubles, Entries, Joined, Names, Sight, Sums, among, chained, shared, worth
from kibitz.indexer.links import Keys, Links, links_of
from kibitz.indexer.queries import REFERENCE_KINDS
from kibitz.indexer.ragged import Ints
from kibitz.indexer.segment import Segment, file_key
from kibitz.indexer.vectors import Floats
from kibitz.indexer.view import View

DAMPING = 0.85
ASIDE_SHARE = 0.1  # how often a walk starts in a test or an example beside other files
LEAST_OUT = 5.0  # a file that refers to less leans on it with a part of its rank only
TOLERANCE = 1e-4  # the ranks have settled when they all together change by less
MOST_ROUNDS = 100
REJOIN_SHARE = 0.1  # of the chunks, in segments that were not there when all was joined
_REMEMBERED = 4  # purposes whose ranks are kept


class Graph:
    """The files of a view, and which of them lean on which.

    Files are nodes: those of `joined` in its order, then those that were not there when it was made.

    Attributes:
        joined: what is kept from one view to the next.
        node_of: (f,) the view's files as nodes.
        alive: (nodes,) which of them the workspace has.
        counts: (names,) how many files define each name.
    """

    def __init__(self, view: View, before: "Graph | None" = None) -> None:
        """Join the files of a view, or only those that `before` did not have."""
        # Neither it nor its segments are held on to: a newer state of the index lets go of their files.
        self._view = weakref.ref(view)
        self._starts = np.where(view.alive, np.where(view.aside, ASIDE_SHARE, 1), 0)
        self._files = view.files
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

    def is_of(self, view: View) -> bool:
        """Whether it was made of this view."""
        return self._view() is view

    def _join(self, view: View, links: Links) -> None:
        """Switch off what is gone, and join what is new."""
        base, kept = self.joined, len(self.joined.salts)
        self.salts = salts = np.concatenate((base.salts, links.salts))
        symbols = _unknown(base.symbols, len(base.counts), links.define_keys, REFERENCE_KINDS)
        second = len(base.counts) + len(symbols.keys)
        own = _unknown(base.own, second, links.own_keys, (FILE,))
        names = second + len(own.keys)
        self._symbols = (base.symbols, symbols)

        of, defined, values = links.defining(
            np.maximum(base.symbols.numbered(links.define_keys), symbols.numbered(links.define_keys)),
            np.maximum(base.own.numbered(links.own_keys), own.numbered(links.own_keys)),
        )
        of += kept
        salt_of = np.zeros(names, np.uint32)
        salt_of[defined] = salts[of]
        self._count(names, of, defined, values)

        of_new = [names.entries(links) for names in (base.symbols, base.own)]
        of_new = [(by + kept, referred, weights) for by, referred, weights in of_new]
        nodes = self.node_of[view.file_of]
        to_new = [_entries(view, group, salt_of, salts, nodes) for group in (symbols, own)]
        by, referred, weights = chained([*of_new, *to_new])
        foreign = ~among(by, referred, of, defined)
        by, referred, weights = by[foreign], referred[foreign], weights[foreign]
        imports = chained([of_new[1], to_new[1]])
        sight = base.sight.and_of(Sight.of(links, defined[len(links.define_keys) :], imports[0], imports[1]))
        weights[~sight.sees(by, referred, (base.definers, Sums.of(defined, of, values)))] *= UNSEEN

        self._is_symbol = np.zeros(names, bool)
        for group in self._symbols:
            self._is_symbol[group.first : group.first + len(group.keys)] = True
        self.out = np.append(base.out, np.zeros(len(self.alive) - kept))
        changed = (self.worth[: len(base.counts)] != base.worth).nonzero()[0]
        if len(changed):
            at, files, theirs = base.refers.of_rows(changed)
            more = self.worth[changed] - base.worth[changed]
            self.out += np.bincount(files, theirs * more[at], len(self.out))
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
        self._shares = shared(self.counts).astype(np.float32)

    def ranks(self, restart: Floats, purpose: Hashable = None) -> Floats:
        """PageRank of all nodes, (nodes,) with sum 1: where a walk is that now and then starts anew at `restart`.

        Page, Brin, Motwani and Winograd, "The PageRank Citation Ranking: Bringing Order to the Web", 1999.

        Args:
            restart: (f,) for the view's files, with sum 1, nothing for files that are not alive.
            purpose: what the restart stands for: its ranks are remembered, and those in the graph before this one are
                where it begins.
        """
        if (found := self._ranks.get(purpose)) is not None:
            return found
        restart = self._of_nodes(restart)
        ranks = self._start(restart, self._before.get(purpose))
        for _ in range(MOST_ROUNDS):
            last, ranks = ranks, self._step(ranks, restart)
            if float(np.abs(ranks - last).sum()) < TOLERANCE:
                break
        self._ranks = {**dict(list(self._ranks.items())[1 - _REMEMBERED :]), purpose: ranks}
        return ranks

    def evenly(self) -> Floats:
        """Starts in all living files, but seldom in tests and examples: (f,) with sum 1."""
        starts: Floats = (self._starts / max(self._starts.sum(), 1e-9)).astype(np.float32)
        return starts

    def centrality(self) -> Floats:
        """How much the workspace leans on each file of the view, (f,): the logarithm of its rank over the mean one."""
        ranks: Floats = np.log1p(self.ranks(self.evenly())[self.node_of] * np.float32(max(self._files, 1)))
        return ranks

    def _of_nodes(self, values: Floats) -> Floats:
        nodes = np.zeros(len(self.alive), np.float32)
        nodes[self.node_of] = values
        return nodes

    def flows(self, ranks: Floats) -> Floats:
        """What of the ranks goes through each name to each file that defines it, (names,)."""
        leaving = (ranks / np.maximum(self.out, LEAST_OUT)).astype(np.float32)
        flows = np.zeros(len(self.counts), np.float32)
        for refers in self.refers:
            refers.add(flows, leaving)
        flows *= self._shares
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

    def strengths(self, flows: Floats, nodes: Ints, keys: Keys) -> Floats:
        """What the names that some nodes define under some keys get of the flows, (k,); 0 where there is none."""
        salted = keys ^ self.salts[nodes]
        known, new = (names.numbered(salted) for names in self._symbols)
        numbers = np.maximum(known, new)
        return np.where(numbers >= 0, flows[numbers], np.float32(0)) if len(flows) else np.zeros(len(keys), np.float32)

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
        ranks /= max(float(ranks.sum()), 1e-9)
        return ranks


def imports_of(view: View, files: Ints) -> Floats:
    """How often some files of a view (k,) are imported: (k, 2) logarithms of how many chunks do it.

    By the file's folder and name, and by its name alone. Chunks of dead files count too. It is cheap enough to be asked
    of the candidates of a question, without any graph.
    """
    keys = np.zeros((len(files), 2), np.uint32)
    for at, file in enumerate(files.tolist()):
        names = names_of(view.paths[file])
        keys[at] = [file_key(name) for name in (names[-1], names[0])] if names else 0
    counts = sum((segment.references.many(keys) for segment, _ in view.parts), np.zeros(keys.shape, np.int64))
    return np.log1p(counts).astype(np.float32)


def _kept(view: View, joined: Joined | None) -> Joined:
    """What was joined, if most of the view is in it; else the view's segments, joined anew."""
    if joined is not None:
        new = sum(len(one.spans) for one, _ in view.parts if joined.first_of(one) is None)
        if new <= REJOIN_SHARE * joined.chunks:
            return joined
    return Joined.of([segment for segment, _ in view.parts])


def _unknown(known: Names, first: int, keys: Keys, kinds: Iterable[str]) -> Names:
    """Those names that are not among others, numbered from `first` on."""
    new = known.numbered(keys) < 0
    return Names.of(first, keys[new], tuple(kinds))


def _entries(view: View, names: Names, salt_of: Keys, salts: Keys, file_nodes: Ints) -> Entries:
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
