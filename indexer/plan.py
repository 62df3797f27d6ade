"""What a round would do: how much of what is indexed and left out, and about how long it takes."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kibitz.indexer.changes import Changes, changes, stamps
from kibitz.indexer.coverage import absent_language
from kibitz.indexer.embed import Embedder
from kibitz.indexer.languages import language_of
from kibitz.indexer.layout import places
from kibitz.indexer.manifest import Stamp, load
from kibitz.indexer.workspace import Rules, Skipped, Survey, survey

_DEFAULT_RULES = Rules()
BYTES_PER_SECOND = 4_500_000
"""Of source, in a first round with two workers on two cores, the built-in embedder included (docs/benchmarks.md)."""

# Bytes a token of o200k_base, measured over Django, npm's packages and a folder of Python packages; code lies between
# 3.3 (C) and 4.7 (Python).
_BYTES_PER_TOKEN = {"markdown": 3.9, "json": 2.0, "html": 3.7, "css": 3.7, "toml": 2.7, "": 4.2}
_BYTES_PER_TOKEN_OF_CODE = 4.0
_NO_TEXT = frozenset({"binary", "symlink", "special"})


@dataclass(frozen=True, slots=True)
class Amount:
    """Some files: how many, their bytes, and estimates of their tokens and of the seconds that indexing them takes.

    `folders` were not entered, so that nothing is known of what is in them.
    """

    files: int = 0
    bytes: int = 0
    tokens: int = 0
    seconds: float = 0.0
    folders: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a round would look at.

    Files and bytes in all, files that it would read, and counts by language and rule; then the same as amounts: in
    all, what is to do now, by language, and by rule, whose estimates say what letting these files in would add. A rule
    that needs the content of a file is counted once a round has read that file. `warning` is a sentence when the main
    language is missing.
    """

    files: int
    bytes: int
    changed_files: int
    removed_files: int
    languages: Mapping[str, int]
    skipped: Mapping[str, int]
    total: Amount
    todo: Amount
    by_language: Mapping[str, Amount]
    by_rule: Mapping[str, Amount]
    warning: str | None = None


def plan(root: Path, *, cache_dir: Path, embedder: Embedder, rules: Rules = _DEFAULT_RULES) -> Plan:
    """What a round would do. Reads no file's content and writes nothing.

    Raises:
        WorkspaceError: the folder cannot be read.
    """
    found, now, diff = _looked_at(root, cache_dir, embedder, rules)
    admitted, out = _admitted(now, diff), _out(found, diff)
    by_language = _by(((language_of(path), path, size) for path, size in admitted))
    by_rule = _by((skip.rule, skip.path, _size(root, skip.path)) for skip in out)
    total = _sum(by_language.values())
    return Plan(
        files=total.files,
        bytes=total.bytes,
        changed_files=len(diff.read),
        removed_files=len(diff.removed),
        languages={language: amount.files for language, amount in by_language.items()},
        skipped=dict(Counter(skip.rule for skip in out).most_common()),
        total=total,
        todo=_sum(_by(("", path, now[path].size) for path in diff.read).values()),
        by_language=by_language,
        by_rule=by_rule,
        warning=absent_language(found, (path for path, _ in admitted), {p: one.rule for p, one in diff.passed.items()}),
    )


def paths_of(
    root: Path,
    *,
    cache_dir: Path,
    embedder: Embedder,
    rules: Rules = _DEFAULT_RULES,
    rule: str = "",
    language: str = "",
) -> list[str]:
    """The paths that a rule leaves out, sorted, or without one those of a language that a round would read.

    A folder's path ends in "/": it was not entered. Without a language files without a grammar are meant.

    Raises:
        WorkspaceError: the folder cannot be read.
    """
    found, now, diff = _looked_at(root, cache_dir, embedder, rules)
    if rule:
        return sorted(skip.path for skip in _out(found, diff) if skip.rule == rule)
    return sorted(path for path, _ in _admitted(now, diff) if language_of(path) == language)


def _looked_at(
    root: Path, cache_dir: Path, embedder: Embedder, rules: Rules
) -> tuple[Survey, Mapping[str, Stamp], Changes]:
    """Look at what is there, and at what of it the index has seen."""
    found = survey(root, rules, ignored=True)
    now = stamps(found)
    return found, now, changes(load(places(root, cache_dir, embedder).manifest(root)), now)


def _admitted(now: Mapping[str, Stamp], diff: Changes) -> list[tuple[str, int]]:
    """Paths that a round would read, with their bytes."""
    return [(path, stamp.size) for path, stamp in now.items() if path not in diff.passed]


def _out(found: Survey, diff: Changes) -> list[Skipped]:
    """What is left out, by its name or by what a round has read in it."""
    return [*found.skipped, *(Skipped(path, one.rule) for path, one in diff.passed.items())]


def _by(files: Iterable[tuple[str, str, int]]) -> dict[str, Amount]:
    """Amounts by key, the most files first, from (key, path, bytes); a folder's path ends in "/"."""
    counts: dict[str, list[int]] = {}
    tokens: Counter[str] = Counter()
    for key, path, size in files:
        count = counts.setdefault(key, [0, 0, 0])
        if path.endswith("/"):
            count[2] += 1
            continue
        count[0] += 1
        count[1] += size
        if key not in _NO_TEXT:
            tokens[key] += tokens_in(path, size)
    ordered = sorted(counts.items(), key=lambda item: (-item[1][0], -item[1][2], item[0]))
    return {
        key: Amount(n, size, tokens[key], _seconds(0 if key in _NO_TEXT else size), folders)
        for key, (n, size, folders) in ordered
    }


def _sum(amounts: Iterable[Amount]) -> Amount:
    every = list(amounts)
    size = sum(amount.bytes for amount in every)
    tokens = sum(amount.tokens for amount in every)
    return Amount(sum(amount.files for amount in every), size, tokens, _seconds(size))


def _seconds(size: int) -> float:
    return round(size / BYTES_PER_SECOND, 1)


def tokens_in(path: str, size: int) -> int:
    """About how many tokens a text of `size` bytes has."""
    return round(size / _BYTES_PER_TOKEN.get(language_of(path), _BYTES_PER_TOKEN_OF_CODE))


def _size(root: Path, path: str) -> int:
    """The bytes of a file that is left out; 0 when it has gone, and for folders."""
    if path.endswith("/"):
        return 0
    try:
        return os.lstat(root / path).st_size
    except OSError:
        return 0
