"""The server on a port: each client has a session of its own, and one that leaves does not end the others."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.conftest import new_user


def exchange(connection: socket.socket, method: str, params: Any) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    connection.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    with connection.makefile("rb") as stream:
        length = 0
        while (line := stream.readline().strip()) != b"":
            length = int(line.partition(b":")[2]) if line.lower().startswith(b"content-length") else length
        return json.loads(stream.read(length))["result"]


def test_two_clients_at_one_port_do_not_meet(tmp_path: Path, shop: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "kibitz.server", "serve", "--tcp", "0"],
        stderr=subprocess.PIPE,
        env=new_user(tmp_path),
        cwd=tmp_path,
    )
    assert process.stderr is not None
    try:
        port = int(process.stderr.readline().decode().rpartition(":")[2])
        first = socket.create_connection(("127.0.0.1", port), timeout=60)
        second = socket.create_connection(("127.0.0.1", port), timeout=60)
        asked = {"processId": os.getpid(), "capabilities": {}, "rootUri": shop.as_uri()}
        with first, second:
            assert exchange(first, "initialize", asked)["serverInfo"]["name"] == "kibitz"
            assert exchange(second, "initialize", asked)["serverInfo"]["name"] == "kibitz"
            first.close()
            assert exchange(second, "shutdown", None) is None
        process.send_signal(signal.SIGINT)
        process.wait(30)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stderr.close()
