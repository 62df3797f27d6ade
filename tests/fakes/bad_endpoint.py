"""An endpoint that misbehaves on the wire itself: it names a model, and then does whatever `fault` says.

A thread a connection, on 127.0.0.1; `open_connections` tells whether clients let go of theirs.
"""

import contextlib
import json
import random
import socket
import struct
import threading
import time
from types import TracebackType
from typing import Self

MODELS = json.dumps({"object": "list", "data": [{"id": "qwen2.5-coder", "object": "model"}]}).encode()
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
FAULTS = ("stalls", "stalls later", "resets", "resets later", "no HTTP", "no JSON", "half a character", "429", "500")


def event(text: str, finish_reason: str | None = None) -> bytes:
    """A piece of an answer, in the words of both kinds of requests; not ASCII where the text is not."""
    choice = {"index": 0, "delta": {"content": text}, "text": text, "finish_reason": finish_reason}
    return b"data: " + json.dumps({"id": "1", "choices": [choice]}, ensure_ascii=False).encode() + b"\n\n"


class BadEndpoint:
    """Use it as a context manager; `fault` may be changed at any time, "" is an answer as it should be."""

    def __init__(self) -> None:
        self.fault = ""
        self.asked = 0
        self.open_connections = 0
        self._lock = threading.Lock()
        self._random = random.Random(1)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._listener.close()

    def wait_until_left(self, timeout_s: float = 30.0) -> int:
        """Wait until no client is connected; how many still are."""
        deadline = time.monotonic() + timeout_s
        while self.open_connections and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.open_connections

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._count(1)
        with client, contextlib.suppress(OSError):
            head = _request(client)
            if head.startswith(b"GET"):
                self._whole(client, b"200 OK", MODELS)
            elif head:
                self.asked += 1
                self._play(client, self.fault)
        self._count(-1)

    def _play(self, client: socket.socket, fault: str) -> None:
        if fault in ("429", "500"):
            self._whole(client, fault.encode() + b" No", b'{"error": {"message": "no"}}', b"Retry-After: 0\r\n")
        elif fault == "no HTTP":
            client.sendall(self._random.randbytes(2_000))
        elif fault == "resets":
            _reset(client)
        elif fault == "stalls":
            client.recv(1)  # until the client leaves
        else:
            client.sendall(STREAM + event("é😀"))
            if fault == "no JSON":
                client.sendall(b'data: {"choices": [{"de\n\ndata: \xff\xfe\n\n' + self._random.randbytes(500) + b"\n\n")
            elif fault == "half a character":
                client.sendall(event("😀").partition(b"\x9f")[0])
            elif fault == "resets later":
                _reset(client)
            elif fault == "stalls later":
                client.recv(1)
            else:
                client.sendall(event("done", "stop") + b"data: [DONE]\n\n")

    def _whole(self, client: socket.socket, status: bytes, body: bytes, headers: bytes = b"") -> None:
        length = b"Content-Length: %d\r\nContent-Type: application/json\r\nConnection: close\r\n" % len(body)
        client.sendall(b"HTTP/1.1 " + status + b"\r\n" + length + headers + b"\r\n" + body)

    def _count(self, by: int) -> None:
        with self._lock:
            self.open_connections += by


def _request(client: socket.socket) -> bytes:
    """Read a request to its end; its head."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := client.recv(65536)):
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        if not (more := client.recv(65536)):
            return b""
        body += more
    return head


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
