"""What the second stage adds to a search, and what it takes: the reranker that KIBITZ_RERANK and its settings name.

With --lines: documented functions found by their documentation (the sets of make_lines.py), MRR@10 for each weight and
number of candidates. With --trees and --annotations: results for a benchmark's scorer, a file for each weight.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kibitz.indexer.embed.static import load_static
from kibitz.indexer.index import update
from kibitz.indexer.rank import Scores
from kibitz.indexer.rerank import reorder
from kibitz.indexer.search import Searcher
from kibitz.indexer.types import Hit
from kibitz.server.config import load
from kibitz.server.llm.ports import Reranker
from kibitz.server.models import reranker_for
from kibitz.server.rerank import text_of
from tests.bench.lines import overlaps, places, reciprocal_rank
from tests.bench.questions import Question, read_questions, spread
from tests.bench.retrieval import TOP, roots

CANDIDATES = (10, 20, 30)
WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's first-stage hits, the second stage's scores of them, and what those took."""

    hits: list[Hit]
    second: Scores
    seconds: float
    cpu_seconds: float

    def answer(self, candidates: int, weight: float) -> list[Hit]:
        """The best hits by both stages."""
        return reorder(self.hits, self.second[:candidates], weight)[:TOP]


async def ask(searcher: Searcher, reranker: Reranker, queries: Iterable[str], per_file: int) -> list[Asked]:
    """Ask both stages."""
    await reranker.open()
    asked: list[Asked] = []
    for query in queries:
        hits = searcher.search(query, max(CANDIDATES), per_file=per_file)
        began, busy = time.perf_counter(), time.process_time()
        second = await reranker.rerank(query, [text_of(hit) for hit in hits])
        asked.append(Asked(hits, second, time.perf_counter() - began, time.process_time() - busy))
    return asked


def opened(root: Path, cache: Path) -> Searcher:
    """The index of a tree."""
    embedder = load_static()
    update(root, cache_dir=cache, embedder=embedder)
    return Searcher.open(root, cache_dir=cache, embedder=embedder)


def mrr(pairs: list[tuple[Question, Asked]], candidates: int, weight: float) -> float:
    """MRR@10 of the lines."""
    return statistics.mean(
        reciprocal_rank(question, places(asked.answer(candidates, weight)), overlaps) for question, asked in pairs
    )


async def by_lines(sets: Path, most: int, reranker: Reranker) -> None:
    """Print MRR@10, the mean of the languages."""
    found: list[list[tuple[Question, Asked]]] = []
    for folder in sorted(each.parent for each in sets.glob("*/questions.json")):
        questions = spread(read_questions(folder / "questions.json"), most)
        with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
            searcher = opened(folder / "tree", Path(temporary))
            asked = await ask(searcher, reranker, (each.text for each in questions), per_file=3)
        found.append(list(zip(questions, asked, strict=True)))
        print(f"{folder.name}: {len(questions)} questions", flush=True)
    print(f"\n| candidates | {' | '.join(f'weight {weight}' for weight in WEIGHTS)} |")
    print("|--:|" + "--:|" * len(WEIGHTS))
    for candidates in CANDIDATES:
        means = [statistics.mean(mrr(pairs, candidates, weight) for pairs in found) for weight in WEIGHTS]
        print(f"| {candidates} | {' | '.join(f'{mean:.3f}' for mean in means)} |")
    tell(asked for pairs in found for _, asked in pairs)


async def by_files(trees: Path, annotations: Path, out: Path, candidates: int, reranker: Reranker) -> None:
    """Write results for the scorer."""
    inside = roots(annotations)
    results: dict[float, list[dict[str, object]]] = {weight: [] for weight in WEIGHTS}
    every: list[Asked] = []
    for path in sorted(annotations.glob("*.json")):
        queries = [each["query"] for each in json.loads(path.read_text("utf-8"))]
        with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
            searcher = opened(trees / path.stem / inside.get(path.stem, ""), Path(temporary))
            asked = await ask(searcher, reranker, queries, per_file=1)
        every += asked
        for weight, answers in results.items():
            rows = zip(queries, asked, strict=True)
            answers += [
                {"repo": path.stem, "query": query, "results": list(shown(each.answer(candidates, weight)))}
                for query, each in rows
            ]
        print(path.stem, flush=True)
    out.mkdir(parents=True, exist_ok=True)
    for weight, answers in results.items():
        (out / f"weight-{weight}.json").write_text(json.dumps(answers), "utf-8")
    tell(every)


def shown(hits: list[Hit]) -> Iterator[dict[str, object]]:
    """Hits as the scorer wants them, lines from 1, both included."""
    for hit in hits:
        yield {"path": hit.chunk.path, "start_line": hit.chunk.span.start + 1, "end_line": hit.chunk.span.end}


def tell(asked: Iterable[Asked]) -> None:
    every = list(asked)
    wall = statistics.median(each.seconds for each in every)
    busy = statistics.median(each.cpu_seconds for each in every)
    print(f"\nsecond stage, {max(CANDIDATES)} candidates: {wall * 1000:.0f} ms, {busy * 1000:.0f} CPU-ms a question")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", metavar="SETS", type=Path, help="a folder of make_lines.py")
    parser.add_argument("--most", type=int, default=60, help="questions a language")
    parser.add_argument("--trees", type=Path, help="a folder with one repository's tree in each folder")
    parser.add_argument("--annotations", type=Path, help="a folder with NAME.json for each repository")
    parser.add_argument("--out", type=Path, help="where to write the results, a file for each weight")
    args = parser.parse_args()
    config = load(None, os.environ)
    reranker = reranker_for(config)
    if args.lines:
        asyncio.run(by_lines(args.lines, args.most, reranker))
    else:
        asyncio.run(by_files(args.trees, args.annotations, args.out, config.rerank_candidates, reranker))


if __name__ == "__main__":
    main()
