"""Starting, refusing and ending, over real pipes."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import StartServer, new_user
from tests.e2e.lsp_client import ErrorAnswer, LspClient


def test_a_client_that_leaves_as_it_should_gets_exit_code_0(start_server: StartServer, shop: Path) -> None:
    client = start_server()
    result = client.initialize(shop)
    assert result["serverInfo"]["name"] == "kibitz"
    assert client.shutdown() == 0
    assert client.stderr == ""


def test_exit_without_shutdown_is_code_1(start_server: StartServer, shop: Path) -> None:
    client = start_server()
    client.initialize(shop)
    client.notify("exit")
    assert client.wait_for_exit() == 1


def test_the_end_of_the_input_ends_the_server(start_server: StartServer, shop: Path) -> None:
    client = start_server()
    client.initialize(shop)
    client.close_stdin()
    assert client.wait_for_exit() == 1


def test_the_input_may_end_in_the_middle_of_a_message(start_server: StartServer) -> None:
    client = start_server()
    client.send_bytes(b"Content-Length: 500\r\n\r\n{")
    client.close_stdin()
    assert client.wait_for_exit() == 1
    assert client.stderr == ""


def test_what_is_wrong_is_answered_and_the_next_request_too(start_server: StartServer, shop: Path) -> None:
    client = start_server()
    with pytest.raises(ErrorAnswer, match="-32002"):
        client.call("kibitz/status")
    client.initialize(shop)
    wrong: list[tuple[str, Any, int]] = [
        ("kibitz/nothing", {}, -32601),
        ("kibitz/chat", None, -32602),
        ("kibitz/search", {"query": 7}, -32602),
        ("textDocument/inlineCompletion", {"position": {"line": -1, "character": 0}}, -32602),
        ("workspace/executeCommand", {"command": "rm"}, -32602),
        ("initialize", {"processId": None, "capabilities": {}}, -32600),
    ]
    for method, params, code in wrong:
        with pytest.raises(ErrorAnswer) as caught:
            client.call(method, params)
        assert caught.value.code == code
        assert str(shop) not in caught.value.message
    client.send_bytes(b"content-length:2\r\n\r\n{,")
    client.wait_for(lambda m: m.get("error", {}).get("code") == -32700)
    assert client.call("kibitz/status")["indexing"] is False
    assert client.notifications("window/showMessage") == []
    assert client.shutdown() == 0


def test_a_message_beyond_the_cap_ends_the_connection_and_not_the_memory(start_server: StartServer) -> None:
    client = start_server()
    client.send_bytes(b"Content-Length: 99000000000\r\n\r\n{}")
    assert client.wait_for_exit() == 1
    assert "99000000000 bytes" in client.stderr


def test_a_large_document_goes_through(start_server: StartServer, shop: Path) -> None:
    client = start_server()
    client.initialize(shop)
    client.open("file:///big.py", "x = 1\n" * 500_000)
    assert client.call("kibitz/status")["open_documents"] == 1
    assert client.shutdown() == 0


def test_a_wrong_setting_is_a_sentence_at_initialize(start_server: StartServer, shop: Path) -> None:
    client = start_server()
    with pytest.raises(ErrorAnswer, match="unknown setting: budgets"):
        client.initialize(shop, initializationOptions={"budgets": 3})
    client.initialize(shop, initializationOptions={"completion_tokens": 64})
    assert client.shutdown() == 0


def test_a_server_whose_editor_was_killed_ends_though_its_input_stays_open(tmp_path: Path) -> None:
    # The editor starts the server, says who it is, and hangs; somebody else (this test) holds the pipe too.
    reading, writing = os.pipe()
    editor = (
        "import json, os, subprocess, sys\n"
        f"server = subprocess.Popen([sys.executable, '-m', 'kibitz.server', 'serve'], stdin={reading},"
        " stdout=subprocess.PIPE)\n"
        "body = json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': 'initialize',"
        " 'params': {'processId': os.getpid(), 'capabilities': {}}}).encode()\n"
        f"os.write({writing}, b'Content-Length: %d\\r\\n\\r\\n%b' % (len(body), body))\n"
        "assert server.stdout.readline().startswith(b'Content-Length')\n"
        "print(server.pid, flush=True)\n"
        "server.wait()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", editor],
        stdout=subprocess.PIPE,
        pass_fds=(reading, writing),
        env=new_user(tmp_path),
        cwd=tmp_path,
    )
    assert process.stdout is not None
    server = int(process.stdout.readline())
    try:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        deadline = time.monotonic() + 30
        while alive(server) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not alive(server)
    finally:
        process.stdout.close()
        os.close(reading)
        os.close(writing)
        with contextlib.suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody has collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_terminated_server_lets_go_and_ends(start_server: StartServer, shop: Path) -> None:
    client = start_server()
    client.initialize(shop)
    client.process.send_signal(signal.SIGTERM)
    assert client.wait_for_exit() == 1
    assert client.stderr == ""


STUCK = """
import time
from kibitz.server.lsp.server import run_stdio
from tests.fakes.app import FakeApp

class Stuck(FakeApp):
    def status(self):
        print("a library that prints", flush=True)
        time.sleep(3600)

run_stdio(Stuck().make)
"""


def test_a_thread_that_is_stuck_does_not_keep_the_process(tmp_path: Path) -> None:
    here = str(Path(__file__).parents[2])
    environment = new_user(tmp_path)
    environment["PYTHONPATH"] = os.pathsep.join([here, environment.get("PYTHONPATH", "")])
    with LspClient(env=environment, cwd=tmp_path, python=("-c", STUCK)) as client:
        client.initialize()
        asked = client.request("kibitz/status")
        with pytest.raises(ErrorAnswer, match="-32601"):
            client.call("kibitz/nothing")  # neither the thread nor what it prints disturbs the protocol
        client.call("shutdown")
        with pytest.raises(ErrorAnswer, match="-32800"):
            client.answer_to(asked)
        client.notify("exit")
        assert client.wait_for_exit() == 0
        assert "a library that prints" in client.stderr
