"""Which file an import means, as far as its words and the file's path tell.

Both sides are given names that can be compared by their hashes: the last two parts of what is imported, the folder and
the name of a file. A segment keeps the names of what is imported among its references, with the kind FILE.
"""

import re

from kibitz.indexer.languages import language_of
from kibitz.indexer.terms import joined

FILE = "file"
"""The kind of reference that an import makes to a file; see segment.reference_key."""

_SEPARATOR = re.compile(r"::|[./\\:]")
# Where an import starts: not the name of a folder.
_STARTS = frozenset({"", "crate", "self", "super", "@", "~", "package"})
# Files that are named for the folder that they stand in; a Go file always is.
_FOLDER_STEMS = frozenset({"index", "__init__", "mod", "lib", "init"})


def without_ending(name: str) -> str:
    """What is imported without the ending of a source file: "./util.js", "net/if.h", but not the "c" of "lib.c.d"."""
    stem, dot, _ = name.rpartition(".")
    if dot and stem and ("/" in name or "." not in stem) and language_of(name):
        return stem
    return name


def imported(name: str) -> list[str]:
    """The files that an import may mean: names as `names_of` makes them.

    What is imported may be a module or something in it, so that a dotted name stands for the file of all its parts and
    for that of all but the last.
    """
    parts = [part.strip().lstrip("@") for part in _SEPARATOR.split(without_ending(name))]
    parts = [part for part in parts if part not in _STARTS]
    if len(parts) > 1 and parts[-1] in _FOLDER_STEMS:
        parts.pop()
    found = [_name(parts)]
    if "/" not in name and len(parts) > 1 and (len(parts) > 2 or "::" in name):
        found.append(_name(parts[:-1]))
    return [one for one in found if one]


def names_of(path: str) -> list[str]:
    """What a file may be imported as: by its name alone, and by its folder's name and its own."""
    parts = path.split("/")
    parts[-1] = parts[-1].lstrip(".").split(".")[0]
    if len(parts) > 1 and (parts[-1] in _FOLDER_STEMS or path.endswith(".go")):
        parts.pop()
    names = [_name(parts[-1:]), _name(parts) if len(parts) > 1 else ""]
    return [name for name in names if name]


def _name(parts: list[str]) -> str:
    return joined("/".join(parts[-2:]))
