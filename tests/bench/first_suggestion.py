"""From nothing to the first suggestion: the install line of docs/editors.md, an editor's start, a line, its ghost text.

python -m tests.bench.first_suggestion --neovim nvim [--neovim PATH] --emacs emacs
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.e2e.conftest import BANK, SHAPES
from tests.editors.programs import Editor, Emacs, Neovim
from tests.editors.surroundings import ROOT, editing
from tests.editors.terminal import Terminal
from tests.fakes.openai_server import Reply


def install(folder: Path) -> float:
    """Install the checkout into an environment of its own; return the seconds."""
    before = time.monotonic()
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", str(ROOT)], check=True, capture_output=True)
    return time.monotonic() - before


def suggest(kind: type[Editor], program: str, programs: Path) -> float:
    """Start an editor, type a line and wait for what is suggested; return the seconds."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        home = Path(made)
        shop = home / "shop"
        shop.mkdir()
        (shop / "bank.py").write_text(BANK, encoding="utf-8")
        (shop / "shapes.py").write_text(SHAPES, encoding="utf-8")
        reply = Reply(("circle_area(2.0)",), at="v1/completions", when="area = ")
        with editing(home, shop, [reply]) as (environment, _), Terminal(home / "terminal") as terminal:
            environment["PATH"] = os.pathsep.join([str(programs), environment["PATH"]])
            environment.pop("PYTHONPATH", None)
            before = time.monotonic()
            editor = kind(program, terminal, home, environment)
            editor.start(shop / "bank.py")
            editor.append("area = ")
            editor.until_ghost("circle_area(2.0)")
            return time.monotonic() - before


def main() -> None:
    """Print the seconds of each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--neovim", action="append", default=[])
    parser.add_argument("--emacs", action="append", default=[])
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        sys.stdout.write(f"install: {install(Path(made) / 'environment'):.0f} s\n")
        kinds = [(Neovim, each) for each in arguments.neovim] + [(Emacs, each) for each in arguments.emacs]
        for kind, program in kinds:
            took = [suggest(kind, program, Path(made) / "environment" / "bin") for _ in range(arguments.runs)]
            sys.stdout.write(f"{program}: {', '.join(f'{each:.1f}' for each in took)} s\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
