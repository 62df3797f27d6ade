"""Neovim with its own client: attached to a real server, a real index and a scripted model."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import new_user
from tests.fakes.openai_server import FakeOpenAI, Reply

SCRIPT = Path(__file__).parent / "neovim" / "session.lua"
NEOVIM = shutil.which("nvim")


@pytest.mark.skipif(NEOVIM is None, reason="Neovim is not installed (apt-get install neovim)")
def test_a_session_in_neovim(tmp_path: Path, shop: Path) -> None:
    replies = [
        Reply(("circle_area(2.0)",), at="v1/completions"),
        Reply(('```python\n"""Hello."""\n```',), at="chat/completions", when="Say hello."),
        Reply(("In shapes.py", ":4-6."), at="chat/completions", when="Where is the area?"),
    ]
    out = tmp_path / "seen.json"
    with FakeOpenAI(replies, models=("qwen2.5-coder",)) as model:
        environment = new_user(
            tmp_path,
            OPENAI_BASE_URL=model.url,
            KIBITZ_INDEX_ON_START="true",
            XDG_CONFIG_HOME=str(tmp_path),
            XDG_STATE_HOME=str(tmp_path),
        )
        # Not settings of ours, so they go to the script under names that the server does not look at.
        environment |= {
            "TEST_PYTHON": sys.executable,
            "TEST_ROOT": str(shop),
            "TEST_OUT": str(out),
        }
        ran = subprocess.run(
            [str(NEOVIM), "--headless", "-u", "NONE", "-i", "NONE", "-c", f"luafile {SCRIPT}"],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            timeout=180,
            check=False,
        )
        assert out.exists(), ran.stderr.decode()
        fim_prompt = next(r.prompt for r in model.requests if r.path.endswith("v1/completions"))
    seen = json.loads(out.read_text(encoding="utf-8"))
    assert seen["errors"] == []
    assert (seen["progress"][0], seen["progress"][-1]) == ("begin", "end")
    assert seen["search"]["hits"][0]["path"] == "shapes.py"
    assert "def circle_area" in fim_prompt  # found in the index, from another file
    assert "face = '😀'; area = <|fim_suffix|>" in fim_prompt
    assert seen["list"]["items"][0]["textEdit"]["newText"] == "circle_area(2.0)"
    assert seen["accepted"] == "face = '😀'; area = circle_area(2.0)"
    assert "".join(seen["deltas"]) == seen["answer"]["text"] == "In shapes.py:4-6."
    assert seen["edit"]["applied"] is True
    assert (seen["edited"], seen["undone"]) == ('"""Hello."""', '"""Accounts."""')
    assert seen["stopped"] is True
