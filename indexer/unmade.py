"""Which rule would leave out a file that is not there yet."""

import os
from pathlib import Path

from kibitz.indexer import git
from kibitz.indexer.ignore import IgnoreTree
from kibitz.indexer.rules import VENDORED, rule_by_name
from kibitz.indexer.workspace import Rules

_IGNORE_FILES = (".gitignore", ".kibitzignore")


def rule_for_unmade(root: Path, path: str, rules: Rules) -> str:
    """The rule by which an index round would pass over a file at `path`, by its place and name; "" for none.

    Ignore files are read whether git is there or not, and git is asked as well: it knows of others.
    """
    folder, _, name = path.rpartition("/")
    above = [folder[:at] for at, sign in enumerate(folder) if sign == "/"] + [folder] * bool(folder)
    if any(part in VENDORED for part in folder.split("/")):
        return "vendored"
    settings = IgnoreTree()
    settings.add("", "ignored:settings", rules.ignore)
    trees = [settings]
    for ignore_file in _IGNORE_FILES:
        tree = IgnoreTree()
        for one in ("", *above):
            if os.access(root / one / ignore_file, os.F_OK):
                tree.read(root, one, ignore_file)
        trees.append(tree)
    found = next((rule for tree in trees if (rule := tree.rule_for_file(path))), "")
    if not found and git.ignore_rule(root, path):
        found = "ignored:git"
    return found or rule_by_name(name, 0, rules.max_bytes)
