"""`kibitz mcp` and the SDK's own client, over real pipes."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import new_user

pytest.importorskip("mcp", reason="needs kibitz[mcp]")

from mcp import Client, StdioServerParameters


@asynccontextmanager
async def connected(root: Path, mode: str = "auto", **settings: str) -> AsyncIterator[Client]:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "kibitz.server", "mcp", "--path", str(root)],
        env=new_user(root.parent, **settings),
    )
    async with Client(server, mode=mode, read_timeout_seconds=60) as client:
        yield client


async def call(client: Client, tool: str, **arguments: Any) -> tuple[str, bool]:
    result = await client.call_tool(tool, arguments)
    return "".join(part.text for part in result.content if part.type == "text"), bool(result.is_error)


async def until(client: Client, holds: str, tool: str, **arguments: Any) -> str:
    """Ask until an answer holds something."""
    async with asyncio.timeout(60):
        while True:
            text, _ = await call(client, tool, **arguments)
            if holds in text:
                return text
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_folder_that_was_never_indexed_is_searched_at_once_and_indexed_meanwhile(shop: Path, mode: str) -> None:
    async with connected(shop, mode) as client:
        text, is_error = await call(client, "search", query="take money out of the account")
        assert not is_error
        assert "bank.py:" in text
        found = await until(client, "Searched by lexical, vector", "search", query="take money out of the account")
        assert "bank.py:" in found
        assert "def withdraw" in await until(client, "withdraw", "definition", name="withdraw")
        assert (await call(client, "read_lines", path="shapes.py", start_line=4, end_line=4))[0].endswith(
            "4: def circle_area(radius: float) -> float:"
        )


async def test_the_index_follows_what_is_written(shop: Path) -> None:
    async with connected(shop, KIBITZ_INDEX_ON_START="true") as client:
        await until(client, "Searched by lexical, vector", "search", query="circle")
        (shop / "zoo.py").write_text("def feed_the_crocodile() -> None:\n    ...\n", encoding="utf-8")
        await until(client, "zoo.py:1-2", "search", query="feed_the_crocodile")


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
async def test_files_outside_the_workspace_and_ignored_ones_are_not_shown(shop: Path) -> None:
    (shop.parent / "secret.py").write_text("password = 1\n", encoding="utf-8")
    (shop / "link.py").symlink_to(shop.parent / "secret.py")
    (shop / ".gitignore").write_text("private.py\n", encoding="utf-8")
    (shop / "private.py").write_text("password = 1\n", encoding="utf-8")
    async with connected(shop) as client:
        for path in ("../secret.py", str(shop.parent / "secret.py"), "link.py", "private.py"):
            text, is_error = await call(client, "read_lines", path=path)
            assert is_error
            assert "password" not in text
            assert "\n" not in text
        for name, asked in (("search", "query"), ("regex", "pattern")):
            assert "password = 1" not in (await call(client, name, **{asked: "password"}))[0]


def test_without_the_extra_a_sentence_says_how_to_get_it(shop: Path) -> None:
    script = (
        "import importlib.util, sys\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'mcp' else real(name, *more)\n"
        "from kibitz.server.cli import run\n"
        f"sys.exit(run(['mcp', '--path', {str(shop)!r}]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=new_user(shop.parent), check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "kibitz: Agents need an extra package: pip install 'kibitz[mcp]'\n"


def test_the_end_of_the_input_is_the_end_of_the_server(shop: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kibitz.server", "mcp", "--path", str(shop)],
        input=b"not json\n",
        capture_output=True,
        env=new_user(shop.parent, KIBITZ_INDEX_ON_START="true"),
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without asking it")
@pytest.mark.parametrize(("sign", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_the_server_and_its_round_although_the_input_stays_open(
    shop: Path, sign: signal.Signals, code: int
) -> None:
    command = [sys.executable, "-m", "kibitz.server", "mcp", "--path", str(shop)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=new_user(shop.parent)
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        request = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["result"]["serverInfo"]["name"] == "kibitz"
        process.send_signal(sign)
        assert process.wait(60) == code
