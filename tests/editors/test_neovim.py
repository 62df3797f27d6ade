"""Neovim with the plugin of editors/neovim: a real editor, typed into, with a real server and a scripted model."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.editors.surroundings import ROOT, documented, editing
from tests.fakes.openai_server import Reply

JOURNEY = Path(__file__).parent / "neovim" / "journey.lua"
NEOVIMS = [path for path in os.environ.get("NEOVIMS", "nvim").split(":") if shutil.which(path)]


@pytest.mark.skipif(not NEOVIMS, reason="Neovim is not installed (apt-get install neovim)")
@pytest.mark.parametrize("neovim", NEOVIMS)
def test_a_journey_in_neovim(tmp_path: Path, shop: Path, neovim: str) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "other.py").write_text('def colour(name: str) -> int:\n    """Return a colour by name."""\n    return 0\n')
    subprocess.run(["git", "init", "-q", str(other)], check=True)
    replies = [
        Reply(("circle_area(2.0)",), at="v1/completions", when="area = "),
        Reply(("one()",), at="v1/completions", when="best = "),
        Reply(("two()",), at="v1/completions", when="best = "),
        Reply(('```python\n"""Hello."""\n```',), at="chat/completions", when="Say hello."),
        Reply(('```python\n"""Slow."""\n```',), at="chat/completions", when="Slowly.", delay_s=2.0),
        Reply(("In shapes.py", ":4-6."), at="chat/completions", when="Where is the area?"),
    ]
    out = tmp_path / "seen.json"
    with editing(tmp_path, shop, replies, TEST_OTHER=str(other), TEST_OUT=str(out)) as environment:
        subprocess.run(["sh", "-ec", documented("Neovim", "sh")], env=environment, cwd=ROOT, check=True)
        settings = tmp_path / ".config" / "nvim"
        settings.mkdir(parents=True)
        (settings / "init.lua").write_text(documented("Neovim", "lua"), encoding="utf-8")
        ran = subprocess.run(
            [neovim, "--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", f"luafile {JOURNEY}"],
            env=environment,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=180,
            check=False,
        )
    assert out.exists(), ran.stderr.decode()
    seen = json.loads(out.read_text(encoding="utf-8"))
    keep(neovim, seen["screens"])
    assert seen["errors"] == []
    assert "    face = '😀'; area = circle_area(2.0)" in seen["screens"]["ghost text"]
    assert seen["word"].strip() == "face = '😀'; area = circle_area"
    assert seen["accepted"] == seen["word"] + "(2.0)"
    assert seen["tab"].rstrip("|") == seen["accepted"] + "    "  # the key is itself where nothing is shown
    assert seen["undone"] == seen["word"]
    assert seen["cited"] == 4
    assert seen["unedited"] == '"""Accounts."""'
    assert seen["mine"] == '"""Mine."""'
    assert "changed" in seen["refused"][-1]
    assert seen["hit"][0].endswith("shapes.py")
    assert seen["clients"] == ["kibitz"]  # for both folders
    assert "the server runs: ready" in seen["health"]


def keep(neovim: str, screens: dict[str, str]) -> None:
    """Keep what was on the screen, for people to look at."""
    folder = os.environ.get("EDITOR_ARTEFACTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        name = neovim.strip("/").replace("/", "-")
        for title, text in screens.items():
            (Path(folder) / f"{name} {title}.txt").write_text(text, encoding="utf-8")
