"""Emacs with the package of editors/emacs: eglot, a real server and a scripted model."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.editors.surroundings import ROOT, documented, editing
from tests.fakes.openai_server import Reply

JOURNEY = Path(__file__).parent / "emacs" / "journey.el"
EMACS = shutil.which("emacs")


@pytest.mark.skipif(EMACS is None, reason="Emacs is not installed (apt-get install emacs-nox elpa-eglot)")
def test_a_journey_in_emacs(tmp_path: Path, shop: Path) -> None:
    replies = [
        Reply(("circle_area(2.0)",), at="v1/completions", when="area = "),
        Reply(('```python\n"""Hello."""\n```',), at="chat/completions", when="Say hello."),
        Reply(('```python\n"""Slow."""\n```',), at="chat/completions", when="Slowly.", delay_s=2.0),
        Reply(("In shapes.py", ":4-6."), at="chat/completions", when="Where is the area?"),
    ]
    out = tmp_path / "seen.json"
    settings = tmp_path / "init.el"
    settings.write_text(documented("Emacs", "elisp"), encoding="utf-8")
    with editing(tmp_path, shop, replies, TEST_INIT=str(settings), TEST_OUT=str(out)) as environment:
        ran = subprocess.run(
            [str(EMACS), "-Q", "--batch", "-l", str(JOURNEY)],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            timeout=180,
            check=False,
        )
    assert out.exists(), ran.stderr.decode()
    seen = json.loads(out.read_text(encoding="utf-8"))
    assert seen["errors"] == []
    assert seen["server"] == "kibitz-server"
    assert seen["left"] == "cle_area(2.0)"
    assert seen["word"] == "face = '☺'; area = circle_area"
    assert seen["accepted"] == "face = '☺'; area = circle_area(2.0)"
    assert seen["undone"] == seen["word"]
    assert "In shapes.py:4-6." in seen["chat"]
    assert seen["cited"] == ["shapes.py", 4]
    assert seen["unedited"] == '"""Accounts."""'
    assert seen["mine"] == '"""Mine."""'
    assert "changed" in seen["refused"]
    assert "shapes.py" in seen["hits"]
    assert seen["stopped"] is True
