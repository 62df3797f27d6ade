"""Search without an index: the words of a question, looked for in the files themselves.

Answers while the first round of a workspace runs. It reads no more than it may, the files first whose paths the
question names, and says how many it has read.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kibitz.indexer.files import read_regular
from kibitz.indexer.filters import NO_FILTERS, Filters, globbed, is_in
from kibitz.indexer.grep import Grepped, Query, grep_files
from kibitz.indexer.languages import language_of
from kibitz.indexer.lexical import K1, idf
from kibitz.indexer.lines import split_lines
from kibitz.indexer.question import read_question
from kibitz.indexer.read import cut_line, read_source
from kibitz.indexer.segment import is_aside
from kibitz.indexer.terms import STOP_WORDS, split, stem, words_of
from kibitz.indexer.types import Chunk, Hit, Span
from kibitz.indexer.workspace import Rules, Skipped, Source, survey

MOST_BYTES = 64 << 20  # are read for one question,
MOST_SECONDS = 2.0  # for no longer than this,
MOST_WORDS = 12  # with so many words of the question
LINES = 24  # are shown of a file
PATH_TIMES = 4  # a word in a file's path counts like so many in its text
LENGTH_SHARE = 0.4  # of how much a long file's words count less: it is a whole file, not a chunk
ASIDE = 0.6  # tests, examples and the like

_DEFAULT_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Scan:
    """Hits, best first, and how many of the files were read for them."""

    hits: tuple[Hit, ...]
    read: int
    files: int


def scan(
    root: Path,
    query: str,
    k: int = 10,
    *,
    rules: Rules = _DEFAULT_RULES,
    within: str = "",
    filters: Filters = NO_FILTERS,
    max_bytes: int = MOST_BYTES,
    max_seconds: float = MOST_SECONDS,
) -> Scan:
    """The k files that hold most of a question's words, each with its best lines.

    Nothing is parsed, so that a filter of kinds lets nothing pass.

    Raises:
        WorkspaceError: the folder cannot be read.
    """
    words = _words(read_question(query).text)
    sources = admitted(root, rules, within, filters)
    if not words or filters.kinds:
        return Scan((), 0, len(sources))
    sources = sorted(sources, key=lambda one: (-_times(words, one.path.lower().encode()), is_aside(one.path)))
    until = time.monotonic() + max_seconds
    read: list[tuple[str, int, list[int]]] = []
    for source in sources:
        max_bytes -= source.size
        if max_bytes < 0 or time.monotonic() > until:
            break
        try:
            data = read_regular(f"{root}/{source.path}", rules.max_bytes).lower()
        except OSError:
            continue
        name = source.path.lower().encode()
        read.append((source.path, len(data), [data.count(word) + PATH_TIMES * name.count(word) for word in words]))
    hits: list[Hit] = []
    weights = _weights([times for _, _, times in read])
    for score, path in _ranked(read, weights):
        if len(hits) == k:
            break
        if (chunk := _best_lines(root, path, words, weights, rules.max_bytes)) is not None:
            hits.append(Hit(chunk, score, ("scan",)))
    return Scan(tuple(hits), len(read), len(sources))


def scan_lines(
    root: Path,
    query: Query,
    k: int,
    *,
    rules: Rules = _DEFAULT_RULES,
    within: str = "",
    filters: Filters = NO_FILTERS,
    max_seconds: float = MOST_SECONDS,
) -> Grepped:
    """The first k lines that match a regular expression, in the order of paths.

    A filter of kinds lets nothing pass.

    Raises:
        PatternError: the expression is wrong or too large; says where.
        WorkspaceError: the folder cannot be read.
    """
    sources = [] if filters.kinds else admitted(root, rules, within, filters)
    return grep_files(root, [source.path for source in sources], query, k, seconds=max_seconds)


def admitted(root: Path, rules: Rules, within: str, filters: Filters) -> list[Source]:
    """The files that a round would read, of those that may be shown by their paths.

    Raises:
        WorkspaceError: the folder cannot be read.
    """
    sources = [one for one in survey(root, rules).files if is_in(one.path, within)]
    if filters.languages:
        sources = [one for one in sources if language_of(one.path) in filters.languages]
    if filters.globs:
        inside = globbed([one.path for one in sources], filters.globs)
        sources = [one for one, shown in zip(sources, inside, strict=True) if shown]
    return sources


def _words(query: str) -> list[bytes]:
    """The stems of a question's words, as they stand in lower-case bytes; stop words if there are no others."""
    parts = [part for word in words_of(query) for part in split(word)]
    telling = [part for part in parts if part not in STOP_WORDS and len(part) > 1] or parts
    return list(dict.fromkeys(stem(part).encode("utf-8", "surrogatepass") for part in telling))[:MOST_WORDS]


def _times(words: Sequence[bytes], data: bytes) -> int:
    """How many of the words stand in this."""
    return sum(word in data for word in words)


def _weights(times: Sequence[Sequence[int]]) -> list[float]:
    """What each word tells: less where more files hold it."""
    return [idf(len(times), sum(count > 0 for count in of_word)) for of_word in zip(*times, strict=True)]


def _ranked(read: Sequence[tuple[str, int, list[int]]], weights: Sequence[float]) -> list[tuple[float, str]]:
    """Scores and paths of the files that hold a word, best first: BM25 times the share of the words that are there."""
    mean = max(sum(size for _, size, _ in read) / max(len(read), 1), 1.0)
    scored: list[tuple[float, str]] = []
    for path, size, times in read:
        norm = K1 * (1 - LENGTH_SHARE + LENGTH_SHARE * size / mean)
        score = sum(w * count * (K1 + 1) / (count + norm) for w, count in zip(weights, times, strict=True))
        if score > 0:
            share = sum(count > 0 for count in times) / len(times)
            scored.append((score * share * (ASIDE if is_aside(path) else 1.0), path))
    return sorted(scored, key=lambda one: (-one[0], one[1]))


def _best_lines(
    root: Path, path: str, words: Sequence[bytes], weights: Sequence[float], max_bytes: int
) -> Chunk | None:
    """The lines of a file that hold most of the words; None when the file may not be shown or has none."""
    source = read_source(root, path, max_bytes=max_bytes)
    if isinstance(source, Skipped):
        return None
    lines = split_lines(source[1])
    found = [_found(line.lower().encode("utf-8", "surrogatepass"), words) for line in lines]
    starts = [at for at, here in enumerate(found) if here] or [0]
    worth = {at: sum(weights[one] for one in set().union(*found[at : at + LINES])) for at in starts}
    start = max(starts, key=lambda at: (worth[at], -at))
    start = max(0, min(start - 2, len(lines) - LINES))
    shown = lines[start : start + LINES]
    if not shown:
        return None
    language = language_of(path, source[1][:200])
    return Chunk(path, Span(start, start + len(shown)), "".join(map(cut_line, shown)), language=language)


def _found(line: bytes, words: Sequence[bytes]) -> set[int]:
    return {at for at, word in enumerate(words) if word in line}
