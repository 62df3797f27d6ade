"""Measure on the held-out packages: documentation to definition, MRR@10 a language, beside BM25; and the speed.

    python training/evaluate.py [--cache training/cache] [--weights indexer/embed/static.npz]

Queries are first sentences of documentation, at most 150 a language (300 for Python); candidates are at most 1,500
(3,000) definitions of the same language, without their documentation, with the vectors of their path and name mixed in
as at run time.
"""

import argparse
import json
import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from fetch import HERE

from kibitz.indexer.embed.static import StaticEmbedder
from kibitz.indexer.embed.wordpiece import words
from kibitz.indexer.vectors import NAME_WEIGHT, PATH_WEIGHT, unit

MAX_QUERIES, MAX_CANDIDATES, MIN_QUERIES = 150, 1500, 40
MORE = {"python": 2}
TOP = 10
SAME = {"tsx": "typescript"}
HeldOut = dict[str, tuple[list[dict], int]]


def held_out_sets(cache: Path) -> HeldOut:
    """Language to (candidates, how many of the first of them are asked for)."""
    rows: dict[str, list[dict]] = defaultdict(list)
    with (cache / "definitions.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["held_out"]:
                rows[SAME.get(row["language"], row["language"])].append(row)
    sets: HeldOut = {}
    random = np.random.default_rng(0)
    for language, found in sorted(rows.items()):
        times = MORE.get(language, 1)
        once = Counter(row["sentence"] for row in found)
        order = [found[i] for i in random.permutation(len(found))]
        asked = [row for row in order if row["sentence"] and once[row["sentence"]] == 1][: times * MAX_QUERIES]
        chosen = {id(row) for row in asked}
        others = [row for row in order if id(row) not in chosen]
        if len(asked) >= MIN_QUERIES:
            sets[language] = ([*asked, *others][: times * MAX_CANDIDATES], len(asked))
    return sets


def reciprocal_rank(scores: np.ndarray, wanted: int) -> float:
    """1 / rank of the wanted candidate among the first ten, else 0; ties count against it."""
    rank = int((scores >= scores[wanted]).sum())
    return 1 / rank if rank <= TOP else 0.0


def mean_reciprocal_ranks(
    embedder: StaticEmbedder, sets: HeldOut, path_weight: float = PATH_WEIGHT, name_weight: float = NAME_WEIGHT
) -> dict[str, float]:
    """MRR@10 of the embedder, a language."""
    out = {}
    for language, (rows, asked) in sets.items():
        vectors = embedder.embed([row["code"] for row in rows])
        vectors = unit(vectors + name_weight * embedder.embed([row["symbol"] for row in rows]))
        vectors = unit(vectors + path_weight * embedder.embed_paths([row["path"] for row in rows]))
        ranks = [reciprocal_rank(vectors @ embedder.embed_query(rows[i]["sentence"]), i) for i in range(asked)]
        out[language] = float(np.mean(ranks))
    return out


def bm25(texts: Sequence[str], k1: float = 1.5, b: float = 0.75) -> Callable[[str], np.ndarray]:
    """Score all texts for a query (Robertson and Zaragoza 2009)."""
    counted = [Counter(words(text)) for text in texts]
    sizes = np.array([sum(count.values()) for count in counted], np.float32)
    norm = k1 * (1 - b + b * sizes / max(1.0, float(sizes.mean())))
    postings: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for i, count in enumerate(counted):
        for word, times in count.items():
            postings[word][0].append(i)
            postings[word][1].append(times)

    def score(query: str) -> np.ndarray:
        total = np.zeros(len(texts))
        for word in set(words(query)) & postings.keys():
            at, times = (np.array(one) for one in postings[word])
            idf = math.log(1 + (len(texts) - len(at) + 0.5) / (len(at) + 0.5))
            total[at] += idf * times * (k1 + 1) / (times + norm[at])
        return total

    return score


def bm25_reciprocal_ranks(sets: HeldOut) -> dict[str, float]:
    """MRR@10 of BM25 over code, name and path, a language."""
    out = {}
    for language, (rows, asked) in sets.items():
        score = bm25([f"{'/'.join(row['path'].split('/')[-4:])} {row['symbol']} {row['code']}" for row in rows])
        out[language] = float(np.mean([reciprocal_rank(score(rows[i]["sentence"]), i) for i in range(asked)]))
    return out


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=HERE / "cache")
    parser.add_argument("--weights", type=Path, default=HERE.parent / "indexer" / "embed" / "static.npz")
    args = parser.parse_args()
    sets = held_out_sets(args.cache)
    embedder = StaticEmbedder(args.weights)
    columns = {
        "BM25": bm25_reciprocal_ranks(sets),
        "code": mean_reciprocal_ranks(embedder, sets, 0.0, 0.0),
        f"code + {PATH_WEIGHT:g} path": mean_reciprocal_ranks(embedder, sets, name_weight=0.0),
        f"code + {NAME_WEIGHT:g} names + {PATH_WEIGHT:g} path": mean_reciprocal_ranks(embedder, sets),
    }
    print("language (queries)", *columns, sep=" | ")
    for language, (_, asked) in sets.items():
        print(f"{language} ({asked})", *(f"{ranks[language]:.3f}" for ranks in columns.values()), sep=" | ")
    print("mean", *(f"{np.mean(list(ranks.values())):.3f}" for ranks in columns.values()), sep=" | ")
    texts = [row["code"] for rows, _ in sets.values() for row in rows]
    began = time.process_time()
    embedder.embed(texts)
    seconds = time.process_time() - began
    size = sum(len(text.encode("utf-8")) for text in texts)
    print(f"{size / 1e6 / seconds:.1f} MB and {len(texts) / seconds:,.0f} definitions a CPU-second")
    print(f"{args.weights.stat().st_size / 1e6:.2f} MB of weights")


if __name__ == "__main__":
    main()
