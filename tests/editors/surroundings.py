"""What an editor needs around it: a workspace under git, a new user's settings, a scripted model."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.conftest import new_user
from tests.fakes.openai_server import FakeOpenAI, Reply

ROOT = Path(__file__).parents[2]


@contextmanager
def editing(home: Path, workspace: Path, replies: Sequence[Reply], **names: str) -> Iterator[dict[str, str]]:
    """The environment of an editor; `names` reach its script, which the server does not look at."""
    subprocess.run(["git", "init", "-q", str(workspace)], check=True)
    with FakeOpenAI(replies, models=("qwen2.5-coder",)) as model:
        environment = new_user(
            home,
            OPENAI_BASE_URL=model.url,
            KIBITZ_INDEX_ON_START="true",
            XDG_CONFIG_HOME=str(home),
            XDG_STATE_HOME=str(home),
        )
        yield environment | {"TEST_PYTHON": sys.executable, "TEST_ROOT": str(workspace), **names}
