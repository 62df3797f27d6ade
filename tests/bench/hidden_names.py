"""Places of real files with a line hidden, and the names in it that nothing near it holds.

A place is a line inside a function. Its hidden names are those that the 50 lines above and the 50 below do not hold,
but another file of the tree, or a part of this one that is further away, does. Names are what a grammar calls names
(no keyword, nothing in a comment or a string) of three letters at least. At most one place is drawn of a file in a
round, the files in an order that depends on the tree's name and on which draw it is alone.
"""

import random
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kibitz.indexer.chunk import parse_file
from kibitz.indexer.languages import language_of
from kibitz.indexer.lines import to_source
from kibitz.indexer.outline import symbols_of
from kibitz.indexer.read import decode
from kibitz.indexer.workspace import survey
from kibitz.server.completion.snapshot import Snapshot

if TYPE_CHECKING:
    from tree_sitter import Node

NEAR = 50  # lines on a side
RECENT = 20  # documents
ROUNDS = 6
_COMMITS, _MOST_FILES = 30, 40
_LINES_TRIED = 12
_MOST_CHARS = 300_000
_NO_CODE = frozenset({"", "json", "html", "css", "markdown", "sql", "toml", "bash"})
_NAME = re.compile(r"[^\W\d]\w{2,}")
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Place:
    """A hidden line: its tree, file and number from 0; its hidden names, and which of them this file holds elsewhere.

    `recent` are the files that were open lately, the newest first.
    """

    tree: str
    path: str
    language: str
    line: int
    names: tuple[str, ...]
    here: frozenset[str]
    recent: tuple[str, ...]

    def at(self, text: str) -> tuple[Snapshot, str]:
        """Return the cursor behind the line's indentation, the line's text being gone, and that text."""
        rows = text.replace("\r\n", "\n").split("\n")
        row = rows[self.line]
        indent = row[: len(row) - len(row.lstrip())]
        prefix = "\n".join([*rows[: self.line], indent])
        after = "\n".join(["", *rows[self.line + 1 :]])
        return Snapshot(self.path, 1, prefix, after, self.language), row.strip()


def words(text: str) -> set[str]:
    """Return the words of a text."""
    return set(_WORD.findall(text))


def texts_of(root: Path) -> dict[str, str]:
    """Return the files of a tree that are code."""
    found: dict[str, str] = {}
    for source in survey(root).files:
        read = decode((root / source.path).read_bytes())
        if read and language_of(source.path, read[0][:200]) not in _NO_CODE:
            found[source.path] = read[0].replace("\r\n", "\n")
    return found


def draw(root: Path, texts: Mapping[str, str], count: int, which: str = "") -> list[Place]:
    """Draw so many places of a tree, of the language that most of its files are in; other ones for another name."""
    chance = random.Random(root.name + which)
    files = Counter(word for text in texts.values() for word in words(text))
    languages = {path: language_of(path, text[:200]) for path, text in texts.items()}
    most = Counter(languages.values()).most_common(1)[0][0]
    paths = sorted(path for path, text in texts.items() if languages[path] == most and len(text) <= _MOST_CHARS)
    chance.shuffle(paths)
    found: dict[tuple[str, int], Place] = {}
    for path in paths * ROUNDS:
        if len(found) >= count:
            break
        place = _draw(root, path, texts, files, chance)
        if place is not None:
            found.setdefault((path, place.line), place)
    return list(found.values())


def recent_at(root: Path, path: str, files: Mapping[str, str]) -> tuple[str, ...]:
    """Return the files that were changed with one in its last commits, then those beside it: as if they were open."""
    command = ["git", "-C", str(root), "log", f"-{_COMMITS}", "--format=%x00", "--name-only", "--full-diff", "--", path]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    commits = [[one for one in commit.split("\n") if one] for commit in told.split("\0")]
    with_it = (one for commit in commits if len(commit) <= _MOST_FILES for one in commit)
    folder = path.rpartition("/")[0]
    beside = sorted(one for one in files if one.rpartition("/")[0] == folder)
    every = dict.fromkeys(one for one in (*with_it, *beside) if one in files and one != path)
    return tuple(every)[:RECENT]


def names_by_line(path: str, text: str) -> dict[int, set[str]]:
    """Return the names on each line, as the grammar tells them."""
    source = to_source(text)
    parsed = parse_file(path, source, language_of(path, text[:200]))
    found: dict[int, set[str]] = {}
    for node in _names(parsed[0].root_node) if parsed else ():
        name = source[node.start_byte : node.end_byte].decode("utf-8", "replace").lstrip("@$:")
        if _NAME.fullmatch(name):
            found.setdefault(node.start_point[0], set()).add(name)
    return found


def _names(root: "Node") -> "Iterator[Node]":
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if "comment" in node.type:
            continue
        if "string" in node.type or node.type in ("char_literal", "regex", "heredoc_body", "sigil"):
            waiting += [each for each in node.children if "interpol" in each.type or "substitution" in each.type]
        elif node.children:
            waiting += node.children
        elif node.is_named:
            yield node


def _draw(
    root: Path, path: str, texts: Mapping[str, str], files: Mapping[str, int], chance: random.Random
) -> Place | None:
    text = texts[path]
    rows, named = text.split("\n"), names_by_line(path, text)
    functions = [one for one in symbols_of(path, text) if one.kind in ("function", "method")]
    lines = sorted({at for one in functions for at in range(one.line + 1, one.span.end - 1) if at in named})
    chance.shuffle(lines)
    for line in lines[:_LINES_TRIED]:
        near = words("\n".join([*rows[max(0, line - NEAR) : line], *rows[line + 1 : line + 1 + NEAR]]))
        far = words("\n".join([*rows[: max(0, line - NEAR)], *rows[line + 1 + NEAR :]]))
        hidden = tuple(sorted(name for name in named[line] - near if files[name] > 1 or name in far))
        if hidden:
            here = frozenset(far.intersection(hidden))
            recent = recent_at(root, path, texts)
            return Place(root.name, path, language_of(path, text[:200]), line, hidden, here, recent)
    return None
