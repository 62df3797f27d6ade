"""How well the lines of an answer are found: documented functions of packages that no training saw, without their docs.

Takes the sets of make_lines.py. A question is the first sentence of a documentation, its answer the lines of that
function. A hit is right when its lines overlap them; the strict figure asks that its middle line or most of its lines
be of the function. Beside Kibitz, its legs and plain BM25 over its chunks stand ways that rank whole functions, all
those of the tree: BM25, our static vectors, MiniLM (with --minilm PYTHON), and MiniLM with BM25.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kibitz.indexer.embed.static import load_static
from kibitz.indexer.index import update
from kibitz.indexer.search import LEGS, Searcher
from kibitz.indexer.terms import terms_of
from kibitz.indexer.types import Hit
from tests.bench import minilm
from tests.bench.costs import machine
from tests.bench.peers import semble_answers, semble_env
from tests.bench.questions import Function, Question, read_functions, read_questions
from tests.bench.retrieval import TOP, plain_bm25
from tests.bench.significance import mean_over, paired
from tests.bench.yardsticks import Document, bm25, path_words

Place = tuple[str, int, int]  # path, lines from 0, end not included
Found = list[list[Place]]
Matrix = np.ndarray[Any, np.dtype[np.float32]]
OURS = "Kibitz"
SHOWN_LINES, FUSED = 200, 60


@dataclass(frozen=True, slots=True)
class Peers:
    """What else is asked: interpreters that have a peer, where they are given."""

    minilm: str | None
    cache: Path
    semble: str | None


def overlaps(question: Question, place: Place) -> bool:
    path, start, end = place
    return path == question.path and start < question.end and question.start < end


def is_on(question: Question, place: Place) -> bool:
    """Whether a hit's middle line, or most of its lines, are of the function."""
    path, start, end = place
    shared = min(end, question.end) - max(start, question.start)
    middle = (start + end - 1) // 2
    return path == question.path and (question.start <= middle < question.end or 2 * shared > end - start)


def reciprocal_rank(question: Question, found: Iterable[Place], right: Callable[[Question, Place], bool]) -> float:
    """1 / place of the first right one of ten, 0 where none is."""
    ranks = (1 / number for number, place in enumerate(found, 1) if number <= TOP and right(question, place))
    return next(ranks, 0.0)


def in_lines(question: Question, found: Iterable[Place], lines: int = SHOWN_LINES) -> bool:
    """Whether one of the hits that begin in the first so many lines shown is right: long hits gain nothing by it."""
    for place in found:
        if lines <= 0:
            return False
        if overlaps(question, place):
            return True
        lines -= place[2] - place[1]
    return False


def places(hits: Sequence[Hit]) -> list[Place]:
    return [(hit.chunk.path, hit.chunk.span.start, hit.chunk.span.end) for hit in hits]


def by_chunks(tree: Path, cache: Path, questions: list[Question]) -> dict[str, Found]:
    """What Kibitz finds, its legs, and BM25 over its chunks."""
    embedder = load_static()
    update(tree, cache_dir=cache, embedder=embedder)
    searcher = Searcher.open(tree, cache_dir=cache, embedder=embedder)
    ways: dict[str, Callable[[str], list[Hit]]] = {
        OURS: lambda text: searcher.search(text, TOP),
        "three hits a file": lambda text: searcher.search(text, TOP, per_file=3),
        "its words": lambda text: searcher.search(text, TOP, legs=LEGS[:1]),
        "its vectors": lambda text: searcher.search(text, TOP, legs=LEGS[1:2]),
        "BM25 over its chunks": lambda text: plain_bm25(searcher, text),
    }
    return {name: [places(way(each.text)) for each in questions] for name, way in ways.items()}


def by_functions(tree: Path, questions: list[Question], functions: list[Function], peers: Peers) -> dict[str, Found]:
    """What is found by ranking all functions of the tree, each with its path."""
    codes = [_code(tree, each) for each in functions]
    texts = [f"{path_words(each.path)}\n{code}" for each, code in zip(functions, codes, strict=True)]
    words = [Document.of(terms_of(text)) for text in texts]
    scores = {
        "functions: BM25": [bm25(words, each.text) for each in questions],
        "functions: our vectors": list(_static(questions, functions, codes)),
    }
    if peers.minilm:
        headed = [f"{each.path} {each.symbol}\n{code}" for each, code in zip(functions, codes, strict=True)]
        every = minilm.vectors(peers.minilm, peers.cache, [*headed, *(each.text for each in questions)])
        scores["functions: MiniLM"] = list(every[len(headed) :] @ every[: len(headed)].T)
        pairs = zip(scores["functions: MiniLM"], scores["functions: BM25"], strict=True)
        scores["functions: MiniLM + BM25"] = [_reciprocals(one) + _reciprocals(other) for one, other in pairs]
    spans = [(each.path, each.start, each.end) for each in functions]
    return {name: [[spans[at] for at in _best(each)] for each in rows] for name, rows in scores.items()}


def _code(tree: Path, function: Function) -> str:
    lines = (tree / function.path).read_text("utf-8").split("\n")
    return "\n".join(lines[function.start : function.end])


def _static(questions: list[Question], functions: list[Function], codes: list[str]) -> Matrix:
    from kibitz.indexer.vectors import PATH_WEIGHT

    embedder = load_static()
    vectors = embedder.embed(codes) + PATH_WEIGHT * embedder.embed_paths([each.path for each in functions])
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    found: Matrix = np.array([vectors @ embedder.embed_query(each.text) for each in questions])
    return found


def _best(scores: Matrix) -> list[int]:
    order: list[int] = np.argsort(-scores, kind="stable")[:TOP].tolist()
    return order


def _reciprocals(scores: Matrix) -> Matrix:
    """What each item gives to reciprocal-rank fusion (Cormack, Clarke and Büttcher 2009)."""
    ranks = np.empty(len(scores), np.float32)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    found: Matrix = np.where(scores > 0, 1 / (FUSED + ranks), 0)
    return found


def semble(python: str, tree: Path, folder: Path, questions: list[Question]) -> Found:
    asked = [each.text for each in questions]
    answered, _ = semble_answers(python, semble_env(python, folder), tree, asked)
    return [each.found for each in answered]


def ask(folder: Path, peers: Peers) -> tuple[list[Question], dict[str, Found]]:
    """The questions of one set, and what each way of searching finds."""
    questions = read_questions(folder / "questions.json")
    functions = read_functions(folder / "functions.json")
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
        ways = by_chunks(folder / "tree", Path(temporary, "cache"), questions)
        ways |= by_functions(folder / "tree", questions, functions, peers)
        if peers.semble:
            ways["semble, our vectors"] = semble(peers.semble, folder / "tree", Path(temporary, "peer"), questions)
    return questions, ways


Scores = dict[str, dict[str, list[float]]]  # way, language, one a question


def by_language(scores: Scores) -> Iterator[str]:
    """MRR@10, a line for each language."""
    yield f"| MRR@{TOP} | {' | '.join(scores)} |"
    yield "|---|" + "--:|" * len(scores)
    for language in scores[OURS]:
        cells = [f"{np.mean(each[language]):.3f}" for each in scores.values()]
        yield f"| {language} ({len(scores[OURS][language])}) | {' | '.join(cells)} |"


def summary(scores: Scores, strict: Scores, shown: Scores) -> Iterator[str]:
    """Means over the languages, a line for each way."""
    yield f"| way | MRR@{TOP} | strict | top hit right | in {TOP} hits | in {SHOWN_LINES} lines | Kibitz more, 95 % |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for name, each in scores.items():
        top, ten = ({key: [float(one >= least) for one in row] for key, row in each.items()} for least in (1, 0.01))
        shares = f"{mean_over(top):.1%} | {mean_over(ten):.1%} | {mean_over(shown[name]):.1%}"
        more = "" if name == OURS else str(paired(scores[OURS], each))
        yield f"| {name} | {mean_over(each):.3f} | {mean_over(strict[name]):.3f} | {shares} | {more} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path, help="a folder of make_lines.py")
    parser.add_argument("--languages", default="", help="only these, separated by commas")
    parser.add_argument("--minilm", metavar="PYTHON", help="a Python that has what minilm.py names")
    parser.add_argument("--minilm-cache", type=Path, help="keep its vectors here")
    parser.add_argument("--semble", metavar="PYTHON", help="a Python that has semble installed")
    args = parser.parse_args()
    wanted = set(filter(None, args.languages.split(",")))
    scores: Scores = {}
    strict: Scores = {}
    shown: Scores = {}
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
        peers = Peers(args.minilm, args.minilm_cache or Path(temporary, "minilm.db"), args.semble)
        for folder in sorted(each.parent for each in args.sets.glob("*/questions.json")):
            if wanted and folder.name not in wanted:
                continue
            questions, ways = ask(folder, peers)
            for name, found in ways.items():
                pairs = list(zip(questions, found, strict=True))
                for kept, of in (
                    (scores, [reciprocal_rank(*pair, overlaps) for pair in pairs]),
                    (strict, [reciprocal_rank(*pair, is_on) for pair in pairs]),
                    (shown, [float(in_lines(*pair)) for pair in pairs]),
                ):
                    kept.setdefault(name, {})[folder.name] = of
    print(f"{machine()}\n")
    print("\n".join([*by_language(scores), "", *summary(scores, strict, shown)]))


if __name__ == "__main__":
    main()
