"""Answer a retrieval benchmark's questions with Kibitz, for its scorer to judge. See README.md."""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kibitz.indexer.embed import Embedder
from kibitz.indexer.embed.static import load_static
from kibitz.indexer.index import update
from kibitz.indexer.lexical import bm25
from kibitz.indexer.rank import order_of
from kibitz.indexer.search import LEGS, Searcher
from kibitz.indexer.terms import query_terms
from kibitz.indexer.types import Hit

TOP = 10


def roots(annotations: Path) -> dict[str, str]:
    """The folder to index in each repository, from the `repos.json` beside the annotations, if there is one."""
    described = annotations.parent / "repos.json"
    if not described.is_file():
        return {}
    return {one["name"]: one.get("root") or "" for one in json.loads(described.read_text("utf-8"))}


def plain_bm25(searcher: Searcher, query: str) -> list[Hit]:
    """The chunks with the highest BM25 scores and nothing else: what the ranking is measured against."""
    view = searcher.view
    scores = bm25(view.body, view.lengths, view.chunks, query_terms(query))
    best = [int(number) for number in order_of(scores)[:TOP] if scores[number] > 0]
    return [
        Hit(view.chunk(number, view.paths[int(view.file_of[number])], ""), float(scores[number]), ("lexical",))
        for number in best
    ]


def answer(searcher: Searcher, query: str, legs: tuple[str, ...]) -> tuple[list[dict[str, Any]], float]:
    """The results of one question, lines 1-based and inclusive, and the seconds that it took."""
    began = time.perf_counter()
    hits = searcher.search(query, TOP, legs=legs) if legs else plain_bm25(searcher, query)
    took = time.perf_counter() - began
    return [
        {
            "path": hit.chunk.path,
            "start_line": hit.chunk.span.start + 1,
            "end_line": hit.chunk.span.end,
            "symbol": hit.chunk.symbol,
            "score": round(hit.score, 6),
            "legs": list(hit.legs),
        }
        for hit in hits
    ], took


def run(
    names: Iterable[str],
    trees: Path,
    annotations: Path,
    *,
    cache_dir: Path,
    embedder: Embedder,
    legs: tuple[str, ...],
    workers: int = 2,
) -> list[dict[str, Any]]:
    """Index each tree and answer its questions."""
    inside = roots(annotations)
    results: list[dict[str, Any]] = []
    for name in names:
        root = trees / name / inside.get(name, "")
        report = update(root, cache_dir=cache_dir, embedder=embedder, workers=workers)
        searcher = Searcher.open(root, cache_dir=cache_dir, embedder=embedder)
        took: list[float] = []
        for asked in json.loads((annotations / f"{name}.json").read_text("utf-8")):
            found, seconds = answer(searcher, asked["query"], legs)
            took.append(seconds)
            results.append({"repo": name, "query": asked["query"], "results": found})
        print(
            f"{name:22s} {report.files:5d} files {report.chunks:6d} chunks  index {report.seconds:6.2f} s  "
            f"query {statistics.median(took) * 1000:6.2f} ms",
            flush=True,
        )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trees", type=Path, required=True, help="a folder with one repository's tree in each folder")
    parser.add_argument("--annotations", type=Path, required=True, help="a folder with NAME.json for each repository")
    parser.add_argument("--out", type=Path, required=True, help="where to write the results")
    parser.add_argument("--repos", default="", help="only these, separated by commas")
    parser.add_argument("--legs", choices=["bm25", *LEGS, "both"], default="both")
    parser.add_argument("--cache", type=Path, help="keep the indices here (default: a temporary folder)")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    wanted = set(args.repos.split(",")) if args.repos else set()
    every = sorted(path.stem for path in args.annotations.glob("*.json"))
    names = [name for name in every if not wanted or name in wanted]
    legs = {"both": LEGS, "bm25": ()}.get(args.legs, (args.legs,))
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
        results = run(
            names,
            args.trees,
            args.annotations,
            cache_dir=args.cache or Path(temporary),
            embedder=load_static(),
            legs=legs,
            workers=args.workers,
        )
    args.out.write_text(json.dumps(results, indent=1), "utf-8")


if __name__ == "__main__":
    main()
