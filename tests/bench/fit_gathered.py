"""What the weights of likely names are learned from: names of hidden lines among all that other files hold.

`python -m tests.bench.fit_gathered FOLDER_OF_CHECKOUTS` draws places (hidden_names.py), looks at the features of all
names that gathering weighs there, and fits a logistic regression: all names of hidden lines, and of the others some
300 a place that count for all of them. Prints the weights, and how they rank the hidden names of trees that the fit
has not seen, in seven parts: the share that is among the first 50, 100 and 200.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from kibitz.server.completion import gather
from kibitz.server.completion.likely import WEIGHTS, features, likelihoods
from tests.bench.context_sides import Tree, gathered
from tests.bench.hidden_names import draw

Floats = NDArray[np.float64]
PARTS = 7
OTHERS = 300
FIRST = (50, 100, 200)
RIDGE, STEPS = 1.0, 30


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one place: features (n, f), which are hidden, and for how many each stands."""

    tree: str
    columns: Floats
    hidden: NDArray[np.bool_]
    times: Floats


def names_of(root: Path, cache: Path, count: int) -> list[Names]:
    """Return the names of so many places of a tree."""
    tree = Tree.opened(root, cache)
    chance = np.random.default_rng(0)
    found: list[Names] = []
    for place in draw(root, tree.texts, count):
        with mock.patch.object(gather, "likelihoods", wraps=likelihoods) as asked:
            gathered(tree, place, place.at(tree.texts[place.path])[0])
        if not asked.call_args:  # no room for any context
            continue
        at, sources, book, shown = asked.call_args.args
        known, columns = features(at, sources, book)
        wanted = ~np.isin(known, book.numbers([*at.names(), *shown]))
        hidden = np.isin(known, book.numbers(place.names)) & wanted
        others = np.flatnonzero(wanted & ~hidden)
        some = chance.choice(others, min(OTHERS, len(others)), replace=False)
        chosen = np.concatenate((np.flatnonzero(hidden), some))
        times = np.where(hidden[chosen], 1.0, len(others) / max(1, len(some)))
        found.append(Names(root.name, np.stack([columns[name][chosen] for name in WEIGHTS], 1), hidden[chosen], times))
    return found


def fit(places: Sequence[Names]) -> Floats:
    """Fit by Newton's method; a weight for each feature."""
    columns = np.concatenate([one.columns for one in places])
    hidden = np.concatenate([one.hidden for one in places]).astype(float)
    times = np.concatenate([one.times for one in places])
    weights = np.zeros(columns.shape[1])
    for _ in range(STEPS):
        likely = 1 / (1 + np.exp(-columns @ weights))
        slope = columns.T @ (times * (hidden - likely)) - RIDGE * weights
        curve = (columns * (times * likely * (1 - likely))[:, None]).T @ columns + RIDGE * np.eye(len(weights))
        weights += np.linalg.solve(curve, slope)
    return weights


def ranks(places: Sequence[Names], weights: Floats) -> list[float]:
    """Return how many names are before each hidden one, about."""
    found: list[float] = []
    for one in places:
        odds = one.columns @ weights
        found += [float(one.times[odds > mine].sum()) for mine in odds[one.hidden]]
    return found


def main() -> None:
    """Print the weights, and what they are worth where they were not fitted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", type=Path, help="a folder of git checkouts")
    parser.add_argument("--places", type=int, default=30, help="of each tree")
    args = parser.parse_args()
    roots = sorted(args.trees.iterdir())
    with tempfile.TemporaryDirectory() as cache:
        by_tree = [names_of(root, Path(cache), args.places) for root in roots]
    print(
        {
            name: round(float(weight), 2)
            for name, weight in zip(WEIGHTS, fit([one for places in by_tree for one in places]), strict=True)
        }
    )
    found: list[float] = []
    for part in range(PARTS):
        seen = [one for at, places in enumerate(by_tree) if at % PARTS != part for one in places]
        found += ranks([one for places in by_tree[part::PARTS] for one in places], fit(seen))
    for first in FIRST:
        print(f"among the first {first}: {np.mean(np.array(found) < first):.3f}")


if __name__ == "__main__":
    main()
