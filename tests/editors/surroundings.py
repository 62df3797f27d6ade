"""What an editor needs around it: a workspace under git, a new user's settings, a scripted model."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.conftest import new_user
from tests.fakes.openai_server import FakeOpenAI, Reply

ROOT = Path(__file__).parents[2]


def documented(section: str, language: str) -> str:
    """Return the first block in a language of a section of docs/editors.md."""
    page = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
    block = re.search(rf"^## {section}$.*?^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert block is not None
    return block[1]


@contextmanager
def editing(home: Path, workspace: Path, replies: Sequence[Reply], **names: str) -> Iterator[dict[str, str]]:
    """The environment of an editor; `names` reach its script, which the server does not look at."""
    subprocess.run(["git", "init", "-q", str(workspace)], check=True)
    with FakeOpenAI(replies, models=("qwen2.5-coder",)) as model:
        environment = new_user(
            home,
            OPENAI_BASE_URL=model.url,
            KIBITZ_INDEX_ON_START="true",
            XDG_CONFIG_HOME=str(home / ".config"),
            XDG_DATA_HOME=str(home / ".local" / "share"),
            XDG_STATE_HOME=str(home / ".local" / "state"),
        )
        programs = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])  # `kibitz` is there
        yield environment | {"HOME": str(home), "PATH": programs, "TEST_ROOT": str(workspace), **names}
