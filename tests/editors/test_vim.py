"""Vim with ALE: a client that knows nothing of Kibitz and has no ghost text, set up as docs/editors.md says."""

import shutil
from pathlib import Path

import pytest

from tests.editors.surroundings import documented, editing
from tests.editors.terminal import Terminal
from tests.fakes.openai_server import Reply

ALE = Path("/usr/share/vim-ale")
INSTALLED = all(map(shutil.which, ("vim", "tmux"))) and ALE.is_dir()


@pytest.mark.skipif(not INSTALLED, reason="not installed (apt-get install vim vim-ale tmux)")
def test_a_suggestion_stands_in_the_completion_menu_of_any_client(tmp_path: Path, shop: Path) -> None:
    settings = tmp_path / "vimrc"
    settings.write_text(f"set nocompatible runtimepath+={ALE}\nfiletype plugin on\n{documented('Vim', 'vim')}", "utf-8")
    replies = [Reply(("circle_area",), at="v1/completions", when="area =")]
    with editing(tmp_path, shop, replies) as (environment, _), Terminal(tmp_path / "terminal") as terminal:
        terminal.start(["vim", "-u", str(settings), "-i", "NONE", "-n", "bank.py"], environment, shop)
        terminal.wait("class Account")
        terminal.type("Goarea = circ")
        terminal.wait(r"circle_area +v +Kibitz")  # the menu's item
        terminal.press("C-n")
        terminal.wait(r"area = circle_area\n")
