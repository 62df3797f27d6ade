"""A new user's machine: no settings, no caches, a small workspace, and a scripted model where a test asks for one."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.index_rounds import Rounds
from tests.e2e.lsp_client import LspClient

BANK = '''"""Accounts."""


class Account:
    """Money of one person."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.balance = 0

    def withdraw(self, amount: int) -> int:
        """Take money out, down to nothing but never below."""
        taken = min(amount, self.balance)
        self.balance -= taken
        return taken
'''
SHAPES = '''"""Areas."""


def circle_area(radius: float) -> float:
    """The area of a circle of this radius."""
    return 3.14159 * radius * radius
'''
StartServer = Callable[..., LspClient]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A workspace of two files."""
    root = tmp_path / "shop"
    root.mkdir()
    (root / "bank.py").write_text(BANK, encoding="utf-8")
    (root / "shapes.py").write_text(SHAPES, encoding="utf-8")
    return root


def new_user(home: Path, **settings: str) -> dict[str, str]:
    """The environment of somebody who has set nothing but these settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KIBITZ_", "OPENAI_"))}
    if paths := kept.get("PYTHONPATH"):  # the processes run elsewhere
        kept["PYTHONPATH"] = os.pathsep.join(os.path.abspath(path) for path in paths.split(os.pathsep))  # noqa: PTH100
    ours = {
        "KIBITZ_CONFIG": str(home / "kibitz.toml"),
        "KIBITZ_CACHE_DIR": str(home / "cache"),
        "KIBITZ_DATA_DIR": str(home / "data"),
        "KIBITZ_DETECT": "false",
        "KIBITZ_INDEX_ON_START": "false",
    }
    return {**kept, **ours, **settings}


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Start `kibitz serve` with settings as environment variables; ended after the test, whatever happens."""
    started: list[LspClient] = []

    def start(**settings: str) -> LspClient:
        started.append(LspClient(env=new_user(tmp_path, **settings), cwd=tmp_path))
        return started[-1]

    yield start
    for client in started:
        client.__exit__(None, None, None)


@pytest.fixture(scope="session")
def rounds() -> Iterator[Rounds]:
    """A process that runs rounds in children of its own."""
    if sys.platform != "linux":
        pytest.skip("forks, and looks into /proc")
    started = Rounds()
    yield started
    started.close()
