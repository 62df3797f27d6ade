"""Fit the weights of the ranking, and say by cross-validation over repositories what it reaches.

    PYTHONPATH=.:.dev python training/ranking.py --whole WHOLE --lines LINES --commits COMMITS [--out TABLE] [--ablate]

The inputs are what gather.py wrote. Two linear models: one orders files, one the chunks of a file. Each is a softmax
over the candidates of a question whose right ones share the label (Cao et al., "Learning to Rank: From Pairwise
Approach to Listwise Approach", 2007), every repository of a set counts the same, and the weights of features scaled to
unit deviation are drawn to zero. What is reported of a repository comes from weights that were fitted on others.
"""

import argparse
import pickle
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gather import Judged
from scipy.optimize import minimize

from kibitz.indexer.features import CHUNK_FEATURES, FILE_FEATURES
from kibitz.indexer.ragged import begins, offsets_of
from kibitz.indexer.rank import pick, softmax
from kibitz.indexer.search import PER_FILE
from kibitz.indexer.vectors import Floats
from kibitz.indexer.weights import TABLE

SHARES = {"whole": 1.0, "lines": 0.05, "commits": 0.3}
"""What each set weighs where files are ordered. Questions about functions look at one file closely, and subjects of
commits are often vague: each shifts the weights a little to what holds there."""

FILES_L2, CHUNKS_L2 = 1e-2, 1e-3
TOP, FOLDS = 10, 10
GAIN = 1 / np.log2(np.arange(2, TOP + 2))


@dataclass(frozen=True, slots=True)
class Example:
    """A question's candidates: (m, features), the label's share of each, (m,), and what the question weighs."""

    features: Floats
    label: Floats
    weight: float


def fit(examples: Sequence[Example], l2: float) -> Floats:
    """The weights (features,) that make the labelled candidates most likely."""
    features = np.concatenate([one.features for one in examples]).astype(np.float64)
    deviation = np.maximum(features.std(axis=0), 1e-9)
    scaled = (features - features.mean(axis=0)) / deviation
    label = np.concatenate([one.label / one.label.sum() for one in examples])
    weight = np.array([one.weight for one in examples])
    offsets = offsets_of([len(one.label) for one in examples])
    starts, of = offsets[:-1], np.repeat(np.arange(len(examples)), np.diff(offsets))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = scaled @ weights
        scores -= np.maximum.reduceat(scores, starts)[of]
        raised = np.exp(scores)
        totals = np.add.reduceat(raised, starts)
        likelihood = np.add.reduceat(label * scores, starts) - np.log(totals)
        slope = scaled.T @ ((raised / totals[of] - label) * weight[of])
        return -float(likelihood @ weight) + l2 * float(weights @ weights), slope + 2 * l2 * weights

    found = minimize(loss, np.zeros(scaled.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return (found.x / deviation).astype(np.float32)


def of_files(sets: dict[str, list[Judged]], kept: np.ndarray) -> list[Example]:
    """The questions of several sets as examples of right files, with some of the features."""
    examples = []
    for name, judged in sets.items():
        found = [(one, one.right().any(axis=1)) for one in judged]
        found = [(one, right) for one, right in found if right.any()]
        for one, right, weight in zip(*zip(*found, strict=True), _even([one for one, _ in found]), strict=True):
            examples.append(Example(one.files[:, kept], right.astype(np.float64), SHARES[name] * weight))
    return examples


def of_chunks(judged: list[Judged], kept: np.ndarray) -> list[Example]:
    """The questions about lines as examples of right chunks within the right file."""
    found = []
    for one in judged:
        right = one.right()[:, 0]
        inside = right[one.of_file]
        overlap = _overlap(one)[inside]
        if overlap.any() and inside.sum() > 1:
            found.append((one, one.chunks[inside][:, kept], overlap))
    weights = _even([one for one, _, _ in found])
    return [Example(chunks, lines, weight) for (_, chunks, lines), weight in zip(found, weights, strict=True)]


def _even(judged: Sequence[Judged]) -> list[float]:
    """Weights of questions that give each repository the same, 1 in all."""
    counts: dict[str, int] = defaultdict(int)
    for one in judged:
        counts[one.repo] += 1
    return [1 / counts[one.repo] / len(counts) for one in judged]


def _overlap(one: Judged) -> np.ndarray:
    """How many lines of the target each chunk shows; whether its file is the right one is not looked at."""
    _, start, end = one.targets[0]
    return np.maximum(np.minimum(one.spans[:, 1], end) - np.maximum(one.spans[:, 0], start), 0).astype(np.float64)


def shown(one: Judged, files: Floats, chunks: Floats) -> list[int]:
    """The chunks that a search would show."""
    scores = softmax((one.files @ files).astype(np.float32), np.array([0, len(one.paths)]))
    shares = softmax((one.chunks @ chunks).astype(np.float32), np.append(begins(one.of_file), len(one.of_file)))
    sizes = np.bincount(one.of_file, minlength=len(one.paths))
    return [at for at, _ in pick(scores, shares, sizes, PER_FILE)][:TOP]


def ndcg(one: Judged, files: Floats, chunks: Floats) -> float:
    """Normalised discounted cumulative gain of the first ten; a target takes the rank of what first covers it."""
    right, places = one.right(), shown(one, files, chunks)
    ranks = set()
    for number, (_, start, end) in enumerate(one.targets):
        for rank, at in enumerate(places):
            covers = start is None or (one.spans[at, 0] < end and one.spans[at, 1] > start)
            if right[one.of_file[at], number] and covers:
                ranks.add(rank)
                break
    return float(GAIN[list(ranks)].sum() / GAIN[: len(one.targets)].sum())


def reciprocal_rank(one: Judged, files: Floats, chunks: Floats) -> float:
    """1 / the rank of the first chunk that shows lines of the target."""
    right, overlap = one.right()[:, 0], _overlap(one)
    places = enumerate(shown(one, files, chunks), 1)
    return next((1 / rank for rank, at in places if right[one.of_file[at]] and overlap[at]), 0.0)


MEASURES: dict[str, Callable[[Judged, Floats, Floats], float]] = {
    "whole": ndcg,
    "lines": reciprocal_rank,
    "commits": ndcg,
}


def mean_over(values: Iterable[tuple[Judged, float]]) -> float:
    """The mean over repositories of their questions' means."""
    by_repo: dict[str, list[float]] = defaultdict(list)
    for one, value in values:
        by_repo[one.repo].append(value)
    return float(np.mean([np.mean(each) for each in by_repo.values()]))


def folds(sets: dict[str, list[Judged]]) -> dict[str, int]:
    """Each repository's fold: those of a set are spread evenly."""
    random = np.random.default_rng(0)
    repos = [random.permutation(sorted({one.repo for one in judged})) for judged in sets.values()]
    return {repo: number % FOLDS for some in repos for number, repo in enumerate(some.tolist())}


def fitted(sets: dict[str, list[Judged]], files: np.ndarray, chunks: np.ndarray) -> tuple[Floats, Floats]:
    """Both models' weights; features that are not among `files` or `chunks` weigh nothing."""
    out = np.zeros(len(FILE_FEATURES), np.float32), np.zeros(len(CHUNK_FEATURES), np.float32)
    out[0][files] = fit(of_files(sets, files), FILES_L2)
    out[1][chunks] = fit(of_chunks(sets["lines"], chunks), CHUNKS_L2)
    return out


def validated(sets: dict[str, list[Judged]], without: Iterable[str] = ()) -> dict[str, list[tuple[Judged, float]]]:
    """Each question's figure, from weights fitted without its repository, and without some features."""
    gone = set(without)
    files = np.array([at for at, name in enumerate(FILE_FEATURES) if name not in gone])
    chunks = np.array([at for at, name in enumerate(CHUNK_FEATURES) if f"chunk {name}" not in gone])
    fold_of = folds(sets)
    out: dict[str, list[tuple[Judged, float]]] = defaultdict(list)
    for fold in range(FOLDS):
        rest = {name: [one for one in each if fold_of[one.repo] != fold] for name, each in sets.items()}
        weights = fitted(rest, files, chunks)
        for name, judged in sets.items():
            for one in judged:
                if fold_of[one.repo] == fold:
                    out[name].append((one, MEASURES[name](one, *weights)))
    return out


def report(found: dict[str, list[tuple[Judged, float]]]) -> str:
    """A set's figure each, and of questions about whole files that of each kind."""
    figures = {name: mean_over(values) for name, values in found.items()}
    for kind in sorted({one.kind for one, _ in found["whole"]}):
        figures[kind] = mean_over((one, value) for one, value in found["whole"] if one.kind == kind)
    return "  ".join(f"{name} {value:.4f}" for name, value in figures.items())


GROUPS = {
    "words": ("words_best_chunk", "words_best_chunks", "words_file"),
    "vectors": ("vector_best_chunk", "vector_best_chunks", "vector_mean", "cosine_mean"),
    "names of files": ("name", "name_share", "name_order", "name_words"),
    "folders": ("folder", "folder_only", "path_exact", "depth"),
    "definitions": ("defines", "defines_joined"),
    "tests and examples": ("test", "example"),
    "other kinds of files": ("compat", "header", "barrel", "prose"),
    "size": ("size",),
    "centrality": ("centrality",),
    "chunks: words": ("chunk words", "chunk coverage"),
    "chunks: vectors": ("chunk vector",),
    "chunks: names": ("chunk defines", "chunk defines_joined", "chunk definition"),
    "chunks: kind and size": ("chunk between", "chunk size"),
}


def write_table(path: Path, files: Floats, chunks: Floats) -> None:
    """Write the weights as they are shipped."""
    lines = ["# What each feature is worth (see features.py), as training/ranking.py fitted it."]
    for part, names, weights in (("files", FILE_FEATURES, files), ("chunks", CHUNK_FEATURES, chunks)):
        lines += ["", f"[{part}]", *(f"{name} = {weight:.3f}" for name, weight in zip(names, weights, strict=True))]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def main() -> None:
    """Fit, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in MEASURES:
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=TABLE)
    parser.add_argument("--ablate", action="store_true", help="also without each group of features")
    args = parser.parse_args()
    sets: dict[str, list[Judged]] = {name: pickle.loads(getattr(args, name).read_bytes()) for name in MEASURES}
    print("cross-validated:", report(validated(sets)), flush=True)
    everything = np.arange(len(FILE_FEATURES)), np.arange(len(CHUNK_FEATURES))
    write_table(args.out, *fitted(sets, *everything))
    if args.ablate:
        for name, features in GROUPS.items():
            print(f"without {name}:", report(validated(sets, features)), flush=True)


if __name__ == "__main__":
    main()
