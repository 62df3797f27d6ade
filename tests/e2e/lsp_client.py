"""A raw language client: a server process, JSON-RPC over its pipes, and nothing that hides what goes over them."""

import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Message = dict[str, Any]
WAIT_S = 60.0  # for a loaded machine; nothing is measured


class ErrorAnswer(Exception):
    """The server answered with an error."""

    def __init__(self, error: Message) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: int = error["code"]
        self.message: str = error["message"]


class LspClient:
    """Use it as a context manager; `received` holds everything the server sent, in order."""

    def __init__(
        self,
        *,
        env: Mapping[str, str],
        cwd: Path,
        python: Sequence[str] = ("-m", "kibitz.server", "serve", "--stdio"),
    ) -> None:
        self.received: list[Message] = []
        self.answers: dict[str, Callable[[Any], Any]] = {}
        self.process = subprocess.Popen(
            [sys.executable, *python],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(env),
            cwd=cwd,
        )
        self.stderr = ""
        self._ids = itertools.count(1)
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._ended = False
        self._threads = [threading.Thread(target=self._read), threading.Thread(target=self._read_stderr)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait_for_exit()

    # -- out ---------------------------------------------------------------------------------------------------

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        with self._writing:
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def send(self, message: Message) -> None:
        body = json.dumps(message).encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def notify(self, method: str, params: Any = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def request(self, method: str, params: Any = None) -> int:
        msg_id = next(self._ids)
        self.send({"jsonrpc": "2.0", "id": msg_id, "method": method, "params": params})
        return msg_id

    def call(self, method: str, params: Any = None) -> Any:
        return self.answer_to(self.request(method, params))

    def close_stdin(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    # -- in ----------------------------------------------------------------------------------------------------

    def answer_to(self, msg_id: int) -> Any:
        """The result, or ErrorAnswer."""
        message = self.wait_for(lambda m: "method" not in m and m.get("id") == msg_id)
        if "error" in message:
            raise ErrorAnswer(message["error"])
        return message["result"]

    def wait_for(self, fits: Callable[[Message], bool]) -> Message:
        """The first message that fits."""
        deadline = time.monotonic() + WAIT_S
        looked = 0
        with self._changed:
            while True:
                for message in self.received[looked:]:
                    if fits(message):
                        return message
                looked = len(self.received)
                if self._ended or not self._changed.wait(deadline - time.monotonic()):
                    raise AssertionError(f"no such message came; stderr: {self.stderr[-2000:]}")

    def notifications(self, method: str) -> list[Any]:
        return [m.get("params") for m in list(self.received) if m.get("method") == method and "id" not in m]

    def wait_for_exit(self) -> int:
        """The exit code; everything the process wrote is read then."""
        code = self.process.wait(WAIT_S)
        for thread in self._threads:
            thread.join(WAIT_S)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        return code

    # -- what most tests say -----------------------------------------------------------------------------------

    def initialize(self, root: Path | None = None, capabilities: Message | None = None, **params: Any) -> Any:
        folders = [{"uri": root.as_uri(), "name": root.name}] if root else None
        asked = {"processId": os.getpid(), "capabilities": capabilities or {}, "workspaceFolders": folders, **params}
        result = self.call("initialize", asked)
        self.notify("initialized", {})
        return result

    def open(self, uri: str, text: str, version: int = 1, language: str = "python") -> None:
        document = {"uri": uri, "languageId": language, "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def shutdown(self) -> int:
        """Leave as the specification says; the exit code."""
        assert self.call("shutdown") is None
        self.notify("exit")
        return self.wait_for_exit()

    # -- threads -----------------------------------------------------------------------------------------------

    def _read(self) -> None:
        stdout = self.process.stdout
        assert stdout is not None
        while True:
            length = 0
            while (line := stdout.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            body = stdout.read(length) if length else b""
            with self._changed:
                if not body:
                    self._ended = True
                    self._changed.notify_all()
                    return
                message = json.loads(body)
                self.received.append(message)
                self._changed.notify_all()
            if "id" in message and "method" in message:
                self._answer(message)

    def _answer(self, request: Message) -> None:
        answer = self.answers.get(request["method"], lambda _: None)
        try:
            self.send({"jsonrpc": "2.0", "id": request["id"], "result": answer(request.get("params"))})
        except OSError:
            return  # the server has ended

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.stderr += line.decode(errors="replace")
