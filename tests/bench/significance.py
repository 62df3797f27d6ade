"""Whether one way of searching is better than another: a paired bootstrap over repositories.

Repositories are drawn, not questions: those of one repository are alike, and a user has other repositories.

`python -m tests.bench.significance SCORED.json` compares the first of several results that a scorer has put into one
file, as {NAME: {"by_repo": {REPOSITORY: SCORE}}}, with each of the others.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROUNDS = 10_000


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more the first of two ways reaches: the difference of the means, and their ratio.

    Each mean is over repositories, of the means over their questions; `low` to `high` holds 95 % of the differences
    when the repositories are drawn again, with replacement.
    """

    mean: float
    low: float
    high: float
    ratio: float
    ratio_low: float
    ratio_high: float

    def __str__(self) -> str:
        difference = f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"
        return f"{difference}, times {self.ratio:.2f} [{self.ratio_low:.2f}, {self.ratio_high:.2f}]"


def mean_over(scores: Mapping[str, Sequence[float]]) -> float:
    """The mean over repositories of the mean score of each one's questions."""
    return float(np.mean([np.mean(each) for each in scores.values()]))


def paired(ours: Mapping[str, Sequence[float]], theirs: Mapping[str, Sequence[float]]) -> Difference:
    """Compare the scores of the same questions, by repository.

    Raises:
        ValueError: they are not of the same questions.
    """
    if {name: len(each) for name, each in ours.items()} != {name: len(each) for name, each in theirs.items()}:
        raise ValueError("the two sides have not answered the same questions")
    pairs = np.array([[np.mean(ours[name]), np.mean(theirs[name])] for name in sorted(ours)])
    drawn = np.random.default_rng(1).integers(len(pairs), size=(ROUNDS, len(pairs)))
    means = pairs[drawn].mean(axis=1)  # (rounds, 2)
    low, high = np.percentile(means[:, 0] - means[:, 1], [2.5, 97.5])
    first, second = pairs.mean(axis=0)
    ratios = np.percentile(means[:, 0] / np.maximum(means[:, 1], 1e-9), [2.5, 97.5])
    return Difference(first - second, low, high, first / max(second, 1e-9), *ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scored", type=Path, help="a file of the scorer")
    args = parser.parse_args()
    results = json.loads(args.scored.read_text("utf-8"))
    (ours, first), *others = (
        (name, {repo: [score] for repo, score in one["by_repo"].items()}) for name, one in results.items()
    )
    print(f"{ours}: {mean_over(first):.3f} over {len(first)} repositories")
    for name, one in others:
        print(f"{name}: {mean_over(one):.3f}, the first has {paired(first, one)}")


if __name__ == "__main__":
    main()
