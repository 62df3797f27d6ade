"""Make the sets of questions that commits.py asks: what people wrote above a commit, and the files that it changed.

Takes git directories, looks at the last commits of each, and writes NAME.json with questions in the order of history.
A question is the subject of a commit that changes one to eight source files, not tests alone; what machines write,
releases, reverts and changes of form, documentation or dependencies ask for nothing.
"""

import argparse
import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tests.bench.questions import spread
from training.languages import SUFFIXES

LOOKED_AT = 1500
LEAST_WORDS, MOST_WORDS, MOST_SOURCES, MOST_FILES, A_FILE = 4, 25, 8, 20, 3
_SOURCES = {*SUFFIXES, ".vue", ".svelte", ".astro", ".m", ".mm", ".pl", ".hxx", ".zsh-theme"}
_DROPPED_TYPES = r"docs?|tests?|ci|build|chore|style|release|revert|deps|i18n|l10n|lint|typo|nit|wip|fixup|squash|amend"
_TYPE = re.compile(
    rf"\s*(({_DROPPED_TYPES})|fix|feat|feature|refactor|perf|bug|bugfix|change|impr\w*)(\([^)]*\))?!?:", re.IGNORECASE
)
_NUMBER = re.compile(
    r"(\b(closes|fixes|resolves|fix|close|see|refs?|bug|issues?|pr)\s+)?"
    r"((gh-|#)\d+|\b[A-Z]{2,}-\d+\b:?|\b(bug|issue|pr) \d+)",
    re.IGNORECASE,
)
_EMPTY = re.compile(r"(?<!\w)[(\[]\W*[)\]]")
_DROPPED = re.compile(
    r"bump|release|prepar\w+ |revert|merge|backport|upgrade|"
    r"updat\w+ (dep|to |the )?\W*(change|readme|version|copyright|translat|lock|author|"
    r"licen[cs]e|doc|test|snapshot|comment|link|vendor|package|sub|license)|"
    r"version \d|v?\d+\.\d+|typo|spelling|lint|reformat|format(ting)?\b|whitespace|indent|prettier|rubocop|clippy|"
    r"flake8|ruff|black\b|mypy|isort|sorbet|phpstan|psalm|pylint (warn|err)|warnings?$|docs?\b|documentation|"
    r"readme|changelog|comments?\b|docstring|javadoc|kdoc|tests?\b|testing|specs?\b|clean.?ups?\b|nits?\b|wip\b|"
    r"minor|tweaks?$|address|review|suggestion|renam|copyright|licen[cs]e|translat|unused|dead code|"
    r"deprecat\w+ (warn|api)|modern|simplify code|code style|typings?$|type (hints?|annot)|annotat|submodule|"
    r"dependenc|deps\b|co-authored|signed-off|benchmark|\bci\b|workflow|https?:|\b[0-9a-f]{8,}\b|the build\b|"
    r"remarks|github action|\bbot\b|node_modules|autogenerat|regenerat|"
    r"remove (some|old|redundant|unnecessary|useless)",
    re.IGNORECASE,
)
_TEST = re.compile(
    r"(^|/)(tests?|specs?|__tests__|testing|testdata|fixtures|unittests?|\w*(Test|Tests|Spec)|test-\w+|\w+[-_]tests?)/"
    r"|(^|/)(test_[^/]*|[^/]*([._-](test|spec)|Tests?|Spec|Should))\.\w+$|(^|/)t/t\d"
)
_NOT_OWN = re.compile(
    r"(^|/)(vendor|third_party|node_modules|(\w+_)?dist|generated|external|deps|examples?|docs?|website)/",
    re.IGNORECASE,
)
_ROBOT = re.compile(r"bot\b|\[bot\]|dependabot|renovate", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit with one parent, and the files that it changes by what it does to them ("A", "M" or "D")."""

    parent: str
    author: str
    subject: str
    files: dict[str, str]


def history(git_dir: Path, looked_at: int = LOOKED_AT) -> Iterator[Commit]:
    """The last commits that are no merges, oldest first."""
    form = "--format=%x00%P%x01%an%x01%s"
    command = ["log", "--no-merges", "--name-status", "--no-renames", "-n", str(looked_at), form, "HEAD"]
    done = subprocess.run(["git", "--git-dir", git_dir, *command], capture_output=True, check=True)
    for entry in reversed(done.stdout.decode("utf-8", "replace").split("\0")[1:]):
        head, *rows = entry.split("\n")
        parent, author, subject = head.split("\1", 2)
        changed = [row.split("\t") for row in rows if row]
        if parent:
            yield Commit(parent, author, subject, {row[1]: row[0][0] for row in changed})


def is_source(path: str) -> bool:
    return PurePosixPath(path).suffix in _SOURCES and not _NOT_OWN.search(path)


def is_test(path: str) -> bool:
    return _TEST.search(path) is not None


def wording(subject: str) -> str:
    """A subject as a question; "" when it asks for nothing that could be looked for."""
    kind = _TYPE.match(subject)
    if kind and kind[2]:
        return ""
    text = _EMPTY.sub(" ", _NUMBER.sub(" ", subject[kind.end() :] if kind else subject))
    text = " ".join(text.split()).strip(" .:-,;")
    words = re.findall(r"[A-Za-z][\w.'-]*", text)
    if _DROPPED.search(text) or not LEAST_WORDS <= len(words) <= MOST_WORDS or not text.isascii():
        return ""
    return text


def relevant(commit: Commit) -> list[str]:
    """The source files that a commit changes and that its parent has; none when it is not a change to look for."""
    there = [path for path, what in commit.files.items() if what in "MD" and is_source(path)]
    added = [path for path, what in commit.files.items() if what == "A" and is_source(path) and not is_test(path)]
    if not 1 <= len(there) <= MOST_SOURCES or len(commit.files) > MOST_FILES or len(added) > len(there):
        return []
    return sorted(there) if not all(map(is_test, there)) else []


def names(text: str, paths: list[str]) -> bool:
    """Whether a question spells a file that answers it, by its path or by its name with the suffix."""
    low = text.lower()
    spelt = [path.lower() for path in paths]
    paths_without = [path.rpartition(".")[0] for path in spelt if "/" in path]
    return any(each in low for each in [*(PurePosixPath(path).name for path in spelt), *paths_without])


def questions(commits: Iterator[Commit], most: int) -> list[dict[str, object]]:
    """At most so many, spread over the commits; few of them about one file."""
    found: list[dict[str, object]] = []
    asked: set[str] = set()
    times: Counter[str] = Counter()
    for commit in commits:
        text, paths = wording(commit.subject), relevant(commit)
        if not text or not paths or _ROBOT.search(commit.author) or names(text, paths) or text.lower() in asked:
            continue
        if min(times[path] for path in paths) >= max(A_FILE, most // 4):
            continue
        asked.add(text.lower())
        times.update(paths)
        found.append({"query": text, "parent": commit.parent, "relevant": paths})
    return spread(found, most)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("git_dirs", nargs="+", type=Path)
    parser.add_argument("--to", type=Path, required=True, help="the folder for the sets")
    parser.add_argument("--most", type=int, default=32, help="questions a repository")
    args = parser.parse_args()
    args.to.mkdir(parents=True, exist_ok=True)
    for git_dir in args.git_dirs:
        name = next(part for part in reversed(git_dir.resolve().parts) if part not in {".git", "repo"})
        found = questions(history(git_dir), args.most)
        one = {"repo": name, "git_dir": str(git_dir.resolve()), "questions": found}
        (args.to / f"{name}.json").write_text(json.dumps(one, indent=1), "utf-8")
        print(f"{name}: {len(found)} questions", flush=True)


if __name__ == "__main__":
    main()
