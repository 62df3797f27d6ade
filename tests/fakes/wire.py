"""A client in the server's own loop: real messages through the real protocol, without a process."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from kibitz.server.lsp.app_port import MakeApp
from kibitz.server.lsp.framing import FrameDecoder, encode_frame
from kibitz.server.lsp.server import KibitzServer, build_server, run_session

Message = dict[str, Any]

ROOT = "file:///code"
URI = "file:///code/src/a.py"


def at(line: int, character: int) -> dict[str, int]:
    """A position."""
    return {"line": line, "character": character}


def change(start: dict[str, int], end: dict[str, int], text: str, version: int, uri: str = "") -> dict[str, Any]:
    """The params of a change to the document URI, or to another one."""
    return {
        "textDocument": {"uri": uri or URI, "version": version},
        "contentChanges": [{"range": {"start": start, "end": end}, "text": text}],
    }


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, error: Message) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: int = error["code"]
        self.message: str = error["message"]
        self.data = error.get("data")


class Wire:
    """What the server sends is kept in `received`, in order; its requests are answered by `answers`."""

    def __init__(self, server: KibitzServer) -> None:
        self.server = server
        self.received: list[Message] = []
        self.answers: dict[str, Callable[[Any], Any]] = {}
        self.exit_code: int | None = None
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue()
        self._decoder = FrameDecoder()
        self._ids = itertools.count(1)
        self._news = asyncio.Event()

    # -- the server's side: a source of bytes, and a writer ----------------------------------------------------

    async def chunks(self) -> AsyncIterator[bytes]:
        while data := await self._chunks.get():
            yield data

    def write(self, data: bytes) -> None:
        for body in self._decoder.feed(data):
            message = json.loads(body)
            self.received.append(message)
            if "method" in message and "id" in message:
                self._answer(message)
        self._news.set()

    def close(self) -> None:
        self._news.set()

    # -- the client's side -------------------------------------------------------------------------------------

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are; none at all is the end of the input."""
        self._chunks.put_nowait(data)

    def send(self, message: Any) -> None:
        self.send_bytes(encode_frame(json.dumps(message).encode()))

    def notify(self, method: str, params: Any = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def request(self, method: str, params: Any = None) -> int:
        msg_id = next(self._ids)
        self.send({"jsonrpc": "2.0", "id": msg_id, "method": method, "params": params})
        return msg_id

    async def answer_to(self, msg_id: Any) -> Any:
        """The result, or Refused."""
        message = await self.message(lambda m: "method" not in m and m.get("id") == msg_id)
        if "error" in message:
            raise Refused(message["error"])
        return message["result"]

    async def call(self, method: str, params: Any = None) -> Any:
        return await self.answer_to(self.request(method, params))

    async def message(self, fits: Callable[[Message], bool]) -> Message:
        """The first message that fits, waited for."""
        async with asyncio.timeout(10):
            while True:
                for message in self.received:
                    if fits(message):
                        return message
                self._news.clear()
                await self._news.wait()

    def notifications(self, method: str) -> list[Any]:
        """The params of all notifications of a method so far."""
        return [m.get("params") for m in self.received if m.get("method") == method and "id" not in m]

    async def initialize(self, capabilities: Message | None = None, **params: Any) -> Any:
        result = await self.call("initialize", {"processId": None, "capabilities": capabilities or {}, **params})
        self.notify("initialized", {})
        return result

    def open(self, uri: str, text: str, version: int = 1, language: str = "python") -> None:
        document = {"uri": uri, "languageId": language, "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let the server work until something holds."""
        async with asyncio.timeout(10):
            while not holds():  # noqa: ASYNC110 - anything may be waited for
                await asyncio.sleep(0.001)

    def _answer(self, request: Message) -> None:
        answer = self.answers.get(request["method"], lambda _: None)
        try:
            reply = {"result": answer(request.get("params"))}
        except Refused as error:
            reply = {"error": {"code": error.code, "message": error.message}}
        self.send({"jsonrpc": "2.0", "id": request["id"], **reply})


@contextlib.asynccontextmanager
async def connected(make_app: MakeApp) -> AsyncIterator[Wire]:
    """A wire to a running server; the end of the block is the end of the input."""
    server = build_server(make_app)
    wire = Wire(server)
    serving = asyncio.create_task(run_session(server, wire.chunks(), wire, watch_parent=False))
    try:
        yield wire
    finally:
        wire.send_bytes(b"")
        wire.exit_code = await serving
