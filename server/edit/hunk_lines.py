"""The lines of a unified diff as models write them: line numbers and counts are not believed."""

import re

from kibitz.server.edit.block import Block, Reading
from kibitz.server.edit.lines import indent_of, is_blank, split_lines

HUNK = re.compile(r"^@@(?: -\d+(?:,(?P<old>\d+))? \+\d+(?:,(?P<new>\d+))? @@.*| .*@@.*)?\s*$")
OLD_FILE = re.compile(r"^--- (?P<path>[^\t\n]+?)\s*(?:\t.*)?$")
NEW_FILE = re.compile(r"^\+\+\+ (?P<path>[^\t\n]+?)\s*(?:\t.*)?$")
BETWEEN = re.compile(
    r"^(?:diff |index [0-9a-f]|Index: |={20,}|new file mode|deleted file mode|old mode|new mode|similarity index"
    r"|rename (?:from|to) )"
)
RENAME = re.compile(r"^rename (?P<which>from|to) (?P<path>[^\t\n]+?)\s*$")


def file_named(path: str) -> str:
    """Take off what diffs put before a path."""
    path = path.strip().strip('"').replace("\\", "/")
    return path[2:] if path[:2] in ("a/", "b/") else path


def counted(head: str, lines: list[str]) -> bool:
    """Whether a hunk has the lines that its head announces; without counts it always has."""
    found = HUNK.match(head)
    if found is None or found["old"] is None or found["new"] is None:
        return True
    old = sum(line[:1] in " -\n" for line in lines)
    new = sum(line[:1] in " +\n" for line in lines)
    return old >= int(found["old"]) and new >= int(found["new"])


def to_block(lines: list[str], path: str) -> Block | None:
    """Make a block of a hunk's lines; None when it changes nothing.

    A model that forgets the blank before a context line forgets it on all. A line without one shows it, and so do
    levels of indentation that are odd with the blank and even without; where neither does, the document has to tell.
    """
    while lines and is_blank(lines[-1]):
        lines = lines[:-1]
    if not any(line[:1] in "+-" for line in lines):
        return None
    strict, raw = _reading(lines, 1), _reading(lines, 0)
    if any(line[:1] not in " +-\\\n" for line in lines) or (_is_even(raw) and not _is_even(strict)):
        return Block(*raw, path)
    return Block(*strict, path, (raw,) if raw != strict and not _is_even(strict) else ())


def _is_even(reading: Reading) -> bool:
    indents = [indent_of(line) for text in reading for line in split_lines(text) if not is_blank(line)]
    return all(set(indent) <= {"\t"} or len(indent) % 2 == 0 for indent in indents)


def _reading(lines: list[str], prefix: int) -> tuple[str, str]:
    """Part a hunk into what is there and what shall be; context has so many characters before it."""
    search: list[str] = []
    replace: list[str] = []
    for line in lines:
        if line.startswith("\\"):
            continue
        if line.startswith(("+", "-")):
            (search if line[0] == "-" else replace).append(line[1:])
            continue
        text = line if is_blank(line) and len(line) <= 1 else line[prefix:]
        search.append(text)
        replace.append(text)
    return "".join(search), "".join(replace)
