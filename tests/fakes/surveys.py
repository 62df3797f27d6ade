"""Laying out files and repositories for surveys, and reading what a survey found."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from kibitz.indexer.workspace import Survey

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


no_root = pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not hold for this user")


def lay(root: Path, files: str | dict[str, str]) -> None:
    """Write files: a text of paths, or paths with their contents."""
    if isinstance(files, str):
        files = dict.fromkeys(files.split(), "x = 1\n")
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def git(root: Path, *arguments: str) -> None:
    settings = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
    subprocess.run(["git", *settings, *arguments], cwd=root, check=True, capture_output=True)


def paths(found: Survey) -> list[str]:
    return [source.path for source in found.files]


def rules(found: Survey) -> dict[str, str]:
    return {skip.path: skip.rule for skip in found.skipped}
