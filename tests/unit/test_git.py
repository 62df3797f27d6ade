"""What git keeps of files, and what it calls their contents."""

import shutil
import subprocess
from pathlib import Path

import pytest

from kibitz.indexer.git import committed, content_id, contents
from tests.fakes.workspaces import commit, written

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def test_contents_are_found_by_their_ids(tmp_path: Path) -> None:
    root = written(tmp_path / "work", {"a.py": "one\n", "src/b c.py": "two", "src/empty.py": ""})
    commit(root)
    ids = committed(root)
    assert ids == {
        "a.py": content_id(b"one\n"),
        "src/b c.py": content_id(b"two"),
        "src/empty.py": content_id(b""),
    }
    assert contents(root, [*ids.values(), "0" * 40]) == {
        ids["a.py"]: b"one\n",
        ids["src/b c.py"]: b"two",
        ids["src/empty.py"]: b"",
    }
    assert committed(root / "src") == {"b c.py": ids["src/b c.py"], "empty.py": ids["src/empty.py"]}


def test_there_is_nothing_without_a_commit(tmp_path: Path) -> None:
    assert committed(tmp_path) == {}
    assert contents(tmp_path, ["0" * 40]) == {}
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert committed(tmp_path) == {}
    assert contents(tmp_path, []) == {}
