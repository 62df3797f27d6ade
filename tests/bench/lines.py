"""How well the lines of an answer are found: documented functions of Python packages, their docstrings taken out.

A question is the first sentence of a docstring, its answer the lines of that function; a hit is right when its lines
overlap them. Prints MRR@10, and the shares of questions answered in ten hits and in the first 200 lines that the hits
show (which does not favour long hits), by leg, beside plain BM25 over the same chunks and semble's BM25 and ranking
(with --semble PYTHON; its model is not its own, so its vectors are left out).
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from kibitz.indexer.embed.static import load_static
from kibitz.indexer.index import update
from kibitz.indexer.search import LEGS, Searcher
from kibitz.indexer.types import Hit
from tests.bench.peers import semble_answers, semble_env
from tests.bench.questions import Question, spread, strip_tree
from tests.bench.retrieval import TOP, plain_bm25

Place = tuple[str, int, int]  # path, lines from 0, end not included
SHOWN_LINES = 200
PER_FILE = {"one hit a file": 1, "three hits a file": 3}


def fetch(package: str, folder: Path) -> Path:
    """The files of a package's wheel, by "name==version"."""
    target = folder / package.replace("==", "-")
    if not target.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--target"]
        subprocess.run([*pip, str(target), package], check=True)
    return target


def rank(question: Question, found: Iterable[Place]) -> int:
    """The place of the first right one, from 1; 0 where none is."""
    for number, (path, start, end) in enumerate(found, 1):
        if path == question.path and start < question.end and question.start < end:
            return number
    return 0


def within(question: Question, found: Iterable[Place], lines: int) -> bool:
    """Whether one of the hits that begin in the first so many lines shown is right."""
    shown: list[Place] = []
    for place in found:
        if lines <= 0:
            break
        shown.append(place)
        lines -= place[2] - place[1]
    return rank(question, shown) > 0


def mean(values: Iterable[float]) -> float:
    every = list(values)
    return sum(every) / len(every)


def places(hits: Sequence[Hit]) -> list[Place]:
    return [(hit.chunk.path, hit.chunk.span.start, hit.chunk.span.end) for hit in hits]


def answers(tree: Path, cache: Path, questions: list[Question]) -> tuple[dict[str, list[list[Place]]], int]:
    """What each way of searching finds for each question, and how many chunks there are."""
    embedder = load_static()
    report = update(tree, cache_dir=cache, embedder=embedder)
    searcher = Searcher.open(tree, cache_dir=cache, embedder=embedder)
    ways: dict[str, list[list[Place]]] = {}
    for wording, per_file in PER_FILE.items():
        for name, legs in {"both legs": LEGS, "lexical": LEGS[:1], "vector": LEGS[1:]}.items():
            found = [searcher.search(each.text, TOP, per_file=per_file, legs=legs) for each in questions]
            ways[f"{name}, {wording}"] = [places(hits) for hits in found]
    ways["plain BM25 over chunks"] = [places(plain_bm25(searcher, each.text)) for each in questions]
    return ways, report.chunks


def semble(python: str, tree: Path, folder: Path, questions: list[Question]) -> list[list[Place]]:
    asked = [each.text for each in questions]
    answered, _ = semble_answers(python, semble_env(python, folder), tree, asked, words_only=True)
    return [each.found for each in answered]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="+", help="name==version, fetched by pip")
    parser.add_argument("--folder", type=Path, required=True, help="where to put the packages")
    parser.add_argument("--most", type=int, default=300, help="questions a package")
    parser.add_argument("--semble", metavar="PYTHON", help="a Python that has semble installed")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    table: dict[str, list[tuple[float, float, float]]] = {}
    for package in args.packages:
        source = fetch(package, args.folder)
        with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
            tree = Path(temporary, "tree")
            questions = spread(strip_tree(source, tree), args.most)
            ways, chunks = answers(tree, Path(temporary, "cache"), questions)
            if args.semble:
                ways["semble, BM25 and ranking"] = semble(args.semble, tree, Path(temporary, "peer"), questions)
        print(f"{package}: {len(questions)} questions, {chunks} chunks", flush=True)
        for name, found in ways.items():
            pairs = list(zip(questions, found, strict=True))
            ranks = [rank(question, hits) for question, hits in pairs]
            reached = mean(within(question, hits, SHOWN_LINES) for question, hits in pairs)
            mrr = mean(1 / each if each else 0.0 for each in ranks)
            table.setdefault(name, []).append((mrr, mean(map(bool, ranks)), reached))
    print(f"\n| way | {' | '.join(args.packages)} | mean MRR@10 | in 10 hits | in {SHOWN_LINES} lines |")
    print("|---|" + "--:|" * (len(args.packages) + 3))
    for name, columns in table.items():
        each, found_share, line_share = (list(column) for column in zip(*columns, strict=True))
        cells = " | ".join(f"{mrr:.3f}" for mrr in each)
        print(f"| {name} | {cells} | {mean(each):.3f} | {mean(found_share):.0%} | {mean(line_share):.0%} |")


if __name__ == "__main__":
    main()
