"""What an editor needs around it: a workspace under git, a new user's settings, a scripted model."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.conftest import new_user
from tests.fakes.openai_server import FakeOpenAI, Reply

if TYPE_CHECKING:
    from tests.editors.programs import Editor

ROOT = Path(__file__).parents[2]


def documented(section: str, language: str) -> str:
    """Return the first block in a language of a section of docs/editors.md."""
    page = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
    block = re.search(rf"^## {section}$.*?^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert block is not None
    return block[1]


@contextmanager
def editing(home: Path, workspace: Path, replies: Sequence[Reply]) -> Iterator[tuple[dict[str, str], FakeOpenAI]]:
    """The environment of an editor, and the model that its server asks."""
    subprocess.run(["git", "init", "-q", str(workspace)], check=True)
    with FakeOpenAI(replies, models=("qwen2.5-coder",)) as model:
        environment = new_user(
            home,
            OPENAI_BASE_URL=model.url,
            KIBITZ_INDEX_ON_START="true",
            XDG_CACHE_HOME=str(home / ".cache"),
            XDG_CONFIG_HOME=str(home / ".config"),
            XDG_DATA_HOME=str(home / ".local" / "share"),
            XDG_STATE_HOME=str(home / ".local" / "state"),
        )
        programs = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])  # `kibitz` is there
        yield environment | {"HOME": str(home), "PATH": programs}, model


def keep(editor: "Editor", title: str) -> None:
    """Keep what is on the screen, as a text and as a picture, for people to look at."""
    if folder := os.environ.get("EDITOR_ARTEFACTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        name = f"{editor.section.lower()}-{editor.program.strip('/').replace('/', '-')}-{title.replace(' ', '-')}"
        (Path(folder) / f"{name}.txt").write_text(editor.terminal.screen(), encoding="utf-8")
        (Path(folder) / f"{name}.svg").write_text(editor.terminal.picture(), encoding="utf-8")
