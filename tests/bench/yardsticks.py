"""Plain ways of searching that Kibitz is measured beside: BM25 as the textbook has it, and counted words."""

import math
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.search import Searcher
from kibitz.indexer.terms import query_terms, terms_of, words_of
from kibitz.indexer.types import Span

K1, B = 1.5, 0.75
PATH_PARTS = 4
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Document:
    """How often a text holds each term, and how many terms it has."""

    terms: Counter[int]
    length: int

    @classmethod
    def of(cls, terms: Mapping[int, int]) -> "Document":
        return cls(Counter(terms), sum(terms.values()))


def bm25(documents: Sequence[Document], question: str) -> Scores:
    """Each document's score (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009)."""
    lengths = np.array([each.length for each in documents], np.float64)
    norms = K1 * (1 - B + B * lengths / max(1.0, float(lengths.mean())))
    scores = np.zeros(len(documents))
    for term in query_terms(question):
        times = np.array([each.terms.get(term, 0) for each in documents], np.float64)
        holding = int((times > 0).sum())
        idf = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
        scores += idf * times * (K1 + 1) / (times + norms)
    return scores


def path_words(path: str) -> str:
    """The last parts of a path, which are words of its file."""
    return "/".join(path.split("/")[-PATH_PARTS:])


def best_files(paths: Iterable[str], scores: Sequence[float] | Scores, most: int = 10) -> list[str]:
    """The files of the best items, each once."""
    ranked = sorted(zip(scores, paths, strict=True), key=lambda one: -one[0])
    return list(dict.fromkeys(path for score, path in ranked if score > 0))[:most]


@dataclass(frozen=True, slots=True)
class File:
    """A file by the words of its chunks, and of all of it; those of its path are in each."""

    path: str
    chunks: list[Document]
    whole: Document


@dataclass(frozen=True, slots=True)
class Words:
    """The words of an index's files, kept while a file stays as it is."""

    root: Path
    kept: dict[tuple[str, str], File] = field(default_factory=dict)

    def of(self, searcher: Searcher) -> list[File]:
        """The files that answer."""
        view = searcher.view
        found = []
        for number in np.flatnonzero(view.alive).tolist():
            key = view.paths[number], view.blob(number)
            if key not in self.kept:
                spans = [view.span(chunk) for chunk in range(int(view.first[number]), int(view.first[number + 1]))]
                self.kept[key] = self._file(key[0], spans)
            found.append(self.kept[key])
        return found

    def _file(self, path: str, spans: Iterable[Span]) -> File:
        lines = (self.root / path).read_text("utf-8", "replace").split("\n")
        bodies = [Counter(terms_of("\n".join(lines[span.start : span.end]))) for span in spans]
        words = terms_of(path_words(path))
        whole: Counter[int] = sum(bodies, Counter(words))
        return File(path, [Document.of(body + Counter(words)) for body in bodies], Document.of(whole))


def by_chunks(files: Sequence[File], question: str) -> list[str]:
    """Files by their best chunk."""
    paths = [file.path for file in files for _ in file.chunks]
    return best_files(paths, bm25([chunk for file in files for chunk in file.chunks], question))


def by_files(files: Sequence[File], question: str) -> list[str]:
    """Files by all that they hold."""
    return best_files([file.path for file in files], bm25([file.whole for file in files], question))


def ripgrep(root: Path, question: str) -> list[str]:
    """Files by how many of the question's words they hold, then by how often."""
    held: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for word in dict.fromkeys(each.lower() for each in words_of(question)):
        command = [
            "rg",
            "--count-matches",
            "--ignore-case",
            "--fixed-strings",
            "--no-require-git",
            "--null",
            "-e",
            word,
        ]
        done = subprocess.run([*command, "./"], cwd=root, capture_output=True, check=False, text=True)
        for line in done.stdout.splitlines():
            path, _, count = line.removeprefix("./").partition("\0")
            held[path] += 1
            times[path] += int(count)
    return best_files(held, [held[path] + min(times[path], 10**6) / 1e7 for path in held])
