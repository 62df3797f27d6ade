"""Grammars that misbehave, and workspaces that change while they are parsed: they take the place of `parse_file`."""

import os
import shutil
import signal
import time
from pathlib import Path

from kibitz.indexer.cut import Parsed, parse_file


def hang_or_crash(root: Path, path: str, max_bytes: int | None) -> Parsed:
    """Never come back from a file that is called hang or sleep, and take the process down over one called crash."""
    name = path.rpartition("/")[2].partition(".")[0]
    while name == "hang":
        pass
    if name == "sleep":
        time.sleep(600)
    if name == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    return parse_file(root, path, max_bytes)


def meddle(root: Path, path: str, max_bytes: int | None) -> Parsed:
    """When it comes to a file that is called meddle, others change that the round has surveyed and not yet read.

    They are those in folders whose names say what becomes of them.
    """
    if path.endswith("/meddle.py"):
        for number in range(3):
            (root / f"vanish/file{number}.py").unlink()
            (root / f"change/file{number}.py").write_text(f"def changed_{number}():\n    return {number}\n")
            (root / f"grow/file{number}.py").write_text("x = 1\n" * 400_000)
            (root / f"folder/file{number}.py").unlink()
            (root / f"folder/file{number}.py").mkdir()
            (root / f"folder/file{number}.py/inside.py").write_text("def inside_now():\n    pass\n")
        shutil.rmtree(root / "outside")
        (root / "outside").symlink_to(root.parent / "elsewhere")
    return parse_file(root, path, max_bytes)
