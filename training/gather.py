"""Gather questions with what is right, as the features that the ranking sees.

    PYTHONPATH=.:.dev python training/gather.py whole TREES ANNOTATIONS OUT
    PYTHONPATH=.:.dev python training/gather.py lines FOLDER OUT
    PYTHONPATH=.:.dev python training/gather.py commits FOLDER OUT

"whole" are questions about the files of repositories, see tests/bench/retrieval.py; "lines" and "commits" are the sets
of tests/bench/lines.py and tests/bench/commits.py. OUT is a pickle of a list of Judged.
"""

import argparse
import json
import pickle
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kibitz.indexer.embed.static import StaticEmbedder, load_static
from kibitz.indexer.features import Candidates, chunk_features, file_features
from kibitz.indexer.index import update
from kibitz.indexer.keys import name_end
from kibitz.indexer.ragged import Ints
from kibitz.indexer.retrieve import ask_legs
from kibitz.indexer.search import Searcher
from kibitz.indexer.shortlist import defining, shortlist
from kibitz.indexer.vectors import Floats
from kibitz.indexer.view import View
from kibitz.indexer.wanted import Wanted
from kibitz.indexer.workers import ParsePool
from tests.bench.commits import at_parents
from tests.bench.questions import Function, read_functions, read_questions, spread
from tests.bench.retrieval import roots

SHOWN = 10
NAMES = 40  # functions of a tree whose names are asked for


@dataclass(frozen=True, slots=True)
class Judged:
    """One question over m candidate files with c chunks.

    Attributes:
        repo: of which it asks.
        kind: of question.
        paths: the candidates' (m).
        files: (m, features) of files.
        chunks: (c, features) of chunks.
        of_file: (c,) the place of each chunk's file among the candidates.
        spans: (c, 2) lines.
        targets: the paths that are right, with lines where only those are.
    """

    repo: str
    kind: str
    paths: tuple[str, ...]
    files: Floats
    chunks: Floats
    of_file: Ints
    spans: Ints
    targets: tuple[tuple[str, int, int] | tuple[str, None, None], ...]

    def right(self) -> "np.ndarray":
        """Which candidate is which target, (m, targets)."""
        return np.array([[matches(path, target[0]) for target in self.targets] for path in self.paths], bool)


def matches(path: str, target: str) -> bool:
    """Whether a path of the indexed folder is that of the whole repository, or the other way round."""
    return path == target or path.endswith("/" + target) or target.endswith("/" + path)


def look(view: View, question: str, embedder: StaticEmbedder) -> dict[str, object] | None:
    """What the ranking sees of a question; None when nothing is found."""
    wanted = Wanted(question)
    legs = ask_legs(view, wanted, embedder.embed_query(question), lexical=True, shown=None)
    named, joined = defining(view, wanted.named, wanted.joined)
    files = shortlist(view, wanted, legs.scores, (named, joined), view.alive, k=SHOWN)
    if not len(files):
        return None
    some = Candidates(view, wanted, legs.held, files)
    args = (some, legs.scores["lexical"], legs.scores["vector"], named[some.chunks], joined[some.chunks])
    spans = np.array([(view.span(at).start, view.span(at).end) for at in some.chunks.tolist()], np.int64)
    return {
        "paths": tuple(view.paths[file] for file in files.tolist()),
        "files": file_features(*args),
        "chunks": chunk_features(*args),
        "of_file": np.repeat(np.arange(len(files)), some.sizes),
        "spans": spans,
    }


def opened(root: Path, cache: Path, embedder: StaticEmbedder, pool: ParsePool) -> View:
    """Index a folder, and open it."""
    update(root, cache_dir=cache, embedder=embedder, pool=pool)
    return Searcher.open(root, cache_dir=cache, embedder=embedder).view


def whole(trees: Path, annotations: Path, cache: Path, pool: ParsePool) -> Iterator[Judged]:
    """Questions about whole files, a few of them about lines."""
    embedder, inside = load_static(), roots(annotations)
    for file in sorted(annotations.glob("*.json")):
        view = opened(trees / file.stem / inside.get(file.stem, ""), cache, embedder, pool)
        for asked in json.loads(file.read_text("utf-8")):
            targets = [_target(one) for one in (*asked.get("relevant", ()), *asked.get("secondary", ()))]
            if seen := look(view, asked["query"], embedder):
                yield Judged(repo=file.stem, kind=asked.get("category", ""), targets=tuple(targets), **seen)


def _target(one: "str | dict") -> tuple:
    if isinstance(one, str):
        return one, None, None
    start = one.get("start_line")
    return one["path"], None if start is None else start - 1, one.get("end_line")


def lines(folder: Path, cache: Path, pool: ParsePool) -> Iterator[Judged]:
    """Questions about functions: their documentation, and for some their names alone."""
    embedder = load_static()
    for each in sorted(file.parent for file in folder.glob("*/questions.json")):
        view = opened(each / "tree", cache, embedder, pool)
        for asked in read_questions(each / "questions.json"):
            if seen := look(view, asked.text, embedder):
                target = (asked.path, asked.start, asked.end)
                yield Judged(repo=each.name, kind="lines", targets=(target,), **seen)
        for function in spread(named_once(read_functions(each / "functions.json")), NAMES):
            if seen := look(view, name_end(function.symbol), embedder):
                target = (function.path, function.start, function.end)
                yield Judged(repo=each.name, kind="names", targets=(target,), **seen)


def named_once(functions: list[Function]) -> list[Function]:
    """Those whose name no other has."""
    times = Counter(name_end(one.symbol) for one in functions)
    return [one for one in functions if times[name_end(one.symbol)] == 1]


def commits(folder: Path, pool: ParsePool) -> Iterator[Judged]:
    """Subjects of commits."""
    embedder = load_static()
    for file in sorted(folder.glob("*.json")):
        with tempfile.TemporaryDirectory(prefix="kibitz-gather-") as temporary:
            tree = Path(temporary, "tree")
            tree.mkdir()
            for root, asked in at_parents(file, tree):
                view = opened(root, Path(temporary, "cache"), embedder, pool)
                if seen := look(view, asked.query, embedder):
                    targets = tuple((path, None, None) for path in asked.relevant)
                    yield Judged(repo=file.stem, kind="commits", targets=targets, **seen)


def main() -> None:
    """Gather one set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=["whole", "lines", "commits"])
    parser.add_argument("folders", nargs="+", type=Path)
    args = parser.parse_args()
    *folders, out = args.folders
    found: list[Judged] = []
    with tempfile.TemporaryDirectory(prefix="kibitz-gather-") as temporary, ParsePool() as pool:
        cache = Path(temporary)
        made = {
            "whole": lambda: whole(*folders, cache, pool),
            "lines": lambda: lines(*folders, cache, pool),
            "commits": lambda: commits(*folders, pool),
        }[args.set]()
        for one in made:
            if not found or found[-1].repo != one.repo:
                print(one.repo, flush=True)
            found.append(one)
    out.write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    # Pickled as what others can import.
    from gather import main as importable

    importable()
