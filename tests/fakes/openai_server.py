"""A scripted OpenAI-compatible server on 127.0.0.1: it plays replies and remembers what it was asked.

In process, from sync or async tests (it runs in a thread of its own)::

    with FakeOpenAI([Reply(pieces=("Hel", "lo"))]) as server:
        ...  # server.url is "http://127.0.0.1:<port>/v1"
    assert server.requests[0].prompt.endswith("Say hello")

As a process, for end-to-end tests: it prints its port on the first line, and `GET /_requests` tells what it was asked::

    python -m tests.fakes.openai_server --port 0 --script script.json

where script.json is `{"replies": [{"pieces": ["Hel", "lo"], "when": "hello"}], "models": ["fake"], "api_key": "k"}`.

Which reply: the first one not yet used whose `at` is in the path and whose `when` is in the prompt; when all of those
are used, the last one is played again; when there is none, HTTP 500 says so. Pieces are played as they are: `stop` and
`max_tokens` are recorded, not obeyed. Models, embeddings and scores need no script: the same text gets the same vector.
With `llama_cpp` it counts tokens as that server does. `fim` says how it fills in the middle by itself ("infill",
"suffix", "ignored", "random", or "" for not at all); questions about that are kept in `probes` and need no script.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.fakes import fim_answers, llama_cpp_answers
from tests.fakes.embedding_answers import embedding_answer, hash_vector
from tests.fakes.rerank_answers import rerank_answer, rerank_prompt

__all__ = ["FakeOpenAI", "Reply", "hash_vector"]

JSON = "application/json"
EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer once.

    `status` other than 200 answers with an error and `body` (a JSON text; default: an OpenAI error object).
    `drop_after` closes the connection after that many pieces. `finish_reason` None ends the stream without one.
    `hang_up` closes it without any answer. `body` with status 200 is sent as it is, for answers that are not JSON
    (or not even text: "\\udce2" is the byte E2).
    `delay_s` passes before every piece (and before an answer that is not streamed).
    """

    pieces: Sequence[str] = ("ok",)
    when: str = ""
    at: str = "completions"
    delay_s: float = 0.0
    finish_reason: str | None = "stop"
    status: int = 200
    body: str | None = None
    retry_after: str | None = None
    drop_after: int | None = None
    hang_up: bool = False


@dataclass(slots=True)
class Request:
    """One request as it came in; `cancelled` says that the client went away before the answer's end."""

    path: str
    prompt: str
    body: dict[str, Any]
    has_key: bool
    pieces_sent: int = 0
    finished: bool = False
    cancelled: bool = False
    cancelled_after_s: float | None = None


class _ClientLeft(Exception):
    """The client closed the connection."""


class FakeOpenAI:
    """The server; use it as a context manager."""

    def __init__(
        self,
        replies: Sequence[Reply] = (),
        *,
        models: Sequence[str] = ("fake",),
        api_key: str | None = None,
        embedding_dim: int = 8,
        rerank_path: str = "/v1/rerank",
        llama_cpp: bool = False,
        fim: str = "",
        port: int = 0,
    ) -> None:
        self.replies = list(replies)
        self.models = tuple(models)
        self.api_key = api_key
        self.embedding_dim = embedding_dim
        self.rerank_path = rerank_path
        self.llama_cpp = llama_cpp
        self.fim = fim
        self.probes: list[Request] = []
        self.port = port
        self.requests: list[Request] = []
        self.connections = 0
        self._used: set[int] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fake-openai", daemon=True)
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        """The base URL to give to a client."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the fake server did not start")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if not self._loop.is_closed():  # it may have been ended before, as an endpoint that goes away
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    def wait_until(self, fact: str, *, count: int = 1, timeout_s: float = 10.0) -> bool:
        """Wait until `count` requests have a fact: "cancelled", "finished" or "pieces_sent"."""
        with self._changed:
            return self._changed.wait_for(
                lambda: sum(bool(getattr(request, fact)) for request in self.requests) >= count, timeout_s
            )

    # -- the thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        clients: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            task = asyncio.ensure_future(_Connection(self, reader, writer).serve())
            clients.add(task)
            task.add_done_callback(clients.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    def pick(self, path: str, prompt: str) -> Reply:
        """The reply for a request (see the module's docstring)."""
        matching = [(n, r) for n, r in enumerate(self.replies) if r.at in path and r.when in prompt]
        if not matching:
            return Reply(status=500, body=_error("no reply is scripted for this prompt", "server_error"))
        number, reply = next(((n, r) for n, r in matching if n not in self._used), matching[-1])
        self._used.add(number)
        return reply

    def scripted(self, path: str, prompt: str) -> bool:
        """Whether a reply for this request is still unused."""
        return any(n not in self._used and r.at in path and r.when in prompt for n, r in enumerate(self.replies))

    def note(self, request: Request, **facts: Any) -> None:
        """Change a record and wake who waits for it."""
        with self._changed:
            for name, value in facts.items():
                setattr(request, name, value)
            self._changed.notify_all()

    def record(self, request: Request) -> None:
        """Keep a request."""
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()


@dataclass(slots=True)
class _Connection:
    """One client: reads requests one after the other, and sees at once when the client leaves."""

    server: FakeOpenAI
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    next_byte: asyncio.Task[bytes] = field(init=False)

    async def serve(self) -> None:
        try:
            self.next_byte = asyncio.ensure_future(self.reader.read(1))
            while await self._one():
                pass
        except (_ClientLeft, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.next_byte.cancel()
            self.writer.close()
            with contextlib.suppress(ConnectionError):
                await self.writer.wait_closed()

    async def _one(self) -> bool:
        first = await self.next_byte
        if not first:
            return False
        head = (first + await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        start, *lines = head.split("\r\n")
        method, path, _ = start.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        payload = await self.reader.readexactly(int(headers.get("content-length", "0")))
        self.next_byte = asyncio.ensure_future(self.reader.read(1))
        return await self._answer(method, path.partition("?")[0], headers, json.loads(payload or b"{}"))

    async def _answer(self, method: str, path: str, headers: Mapping[str, str], body: dict[str, Any]) -> bool:
        if path == "/_requests":
            await self._send(200, json.dumps([asdict(request) for request in self.server.requests]))
            return True
        key = headers.get("authorization", "")
        request = Request(path, _prompt(body), body, bool(key))
        if fim_answers.is_probe(body):
            self.server.probes.append(request)
            await self._send(*fim_answers.answer(self.server.fim, path, body))
            return True
        self.server.record(request)
        if self.server.api_key is not None and key != f"Bearer {self.server.api_key}":
            await self._send(401, _error("Incorrect API key provided.", "invalid_request_error"))
            return True
        if method == "POST" and path not in ("/rerank", "/infill") and body.get("model") not in self.server.models:
            await self._send(404, _error(f"The model `{body.get('model')}` does not exist.", "model_not_found"))
            return True
        started = time.monotonic()
        try:
            keep = await self._play(path, request)
            await self.writer.drain()
        except (_ClientLeft, ConnectionError):
            self.server.note(request, cancelled=True, cancelled_after_s=time.monotonic() - started)
            raise
        self.server.note(request, finished=keep)
        return keep

    async def _play(self, path: str, request: Request) -> bool:
        body = request.body
        if path != "/infill" and not path.endswith("completions") and not self.server.scripted(path, request.prompt):
            if path == "/v1/models":
                await self._send(200, _models(self.server.models, "llamacpp" if self.server.llama_cpp else "fake"))
            elif path == "/v1/embeddings":
                await self._send(200, embedding_answer(body, self.server.embedding_dim))
            elif path == self.server.rerank_path:
                await self._send(200, rerank_answer(path, body))
            elif self.server.llama_cpp and path in llama_cpp_answers.PATHS:
                await self._send(200, llama_cpp_answers.llama_cpp_answer(path, body))
            else:
                await self._send(404, _error(f"Unknown request URL: {path}", "invalid_request_error"))
            return True
        reply = self.server.pick(path, request.prompt)
        if reply.hang_up:
            return False
        if reply.status != 200 or reply.body is not None:
            await self._pause(reply.delay_s)
            retry = {"Retry-After": reply.retry_after} if reply.retry_after is not None else {}
            await self._send(reply.status, reply.body or _error("scripted error", "server_error"), retry)
            return True
        if body.get("stream"):
            return await self._stream(reply, request)
        await self._pause(reply.delay_s)
        self.server.note(request, pieces_sent=len(reply.pieces))
        await self._send(200, json.dumps(_whole("chat" in path, reply, body)))
        return True

    async def _stream(self, reply: Reply, request: Request) -> bool:
        """Play the pieces as server-sent events; False when the script says to drop the connection."""
        chat = "chat" in request.path
        self.writer.write(_head(200, {"Content-Type": EVENTS, "Transfer-Encoding": "chunked"}))
        if chat:
            await self._event(_chunk(True, request.body, "", None, role="assistant"))
        async for number, piece in self._timed(reply):
            if number == reply.drop_after:
                return False
            await self._event(_chunk(chat, request.body, piece, None))
            self.server.note(request, pieces_sent=number + 1)
        if reply.drop_after is not None and reply.drop_after >= len(reply.pieces):
            return False
        if reply.finish_reason is not None:
            await self._event(_chunk(chat, request.body, "", reply.finish_reason))
        if (request.body.get("stream_options") or {}).get("include_usage"):
            usage = {"prompt_tokens": 1, "completion_tokens": len(reply.pieces), "total_tokens": 1 + len(reply.pieces)}
            await self._event({**_chunk(chat, request.body, "", None), "choices": [], "usage": usage})
        await self._event("[DONE]")
        self.writer.write(b"0\r\n\r\n")
        return True

    async def _timed(self, reply: Reply) -> AsyncIterator[tuple[int, str]]:
        for number, piece in enumerate(reply.pieces):
            await self._pause(reply.delay_s)
            yield number, piece

    async def _pause(self, seconds: float) -> None:
        """Sleep, but notice when the client leaves."""
        done, _ = await asyncio.wait({self.next_byte}, timeout=seconds)
        if done and not self.next_byte.result():
            raise _ClientLeft

    async def _event(self, event: object) -> None:
        data = event if isinstance(event, str) else json.dumps(event)
        payload = f"data: {data}\n\n".encode()
        self.writer.write(f"{len(payload):x}\r\n".encode() + payload + b"\r\n")
        await self.writer.drain()

    async def _send(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        payload = text.encode("utf-8", "surrogateescape")
        self.writer.write(
            _head(status, {"Content-Type": JSON, "Content-Length": str(len(payload)), **(headers or {})}) + payload
        )
        await self.writer.drain()


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Fake", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _error(message: str, code: str) -> str:
    return json.dumps({"error": {"message": message, "type": code, "code": code}})


def _models(names: Sequence[str], owner: str) -> str:
    data = [{"id": name, "object": "model", "owned_by": owner} for name in names]
    return json.dumps({"object": "list", "data": data})


def _prompt(body: Mapping[str, Any]) -> str:
    """All text of a request, in order."""
    if "messages" in body:
        return "\n".join(str(message.get("content")) for message in body["messages"])
    if "query" in body:
        return rerank_prompt(body)
    text = body.get("prompt", body.get("input", body.get("input_prefix", "")))
    return text if isinstance(text, str) else "\n".join(map(str, text))


def _chunk(
    chat: bool, body: Mapping[str, Any], text: str, finish: str | None, role: str | None = None
) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
    if chat:
        choice["delta"] = ({"role": role} if role else {}) | ({"content": text} if text or role else {})
    else:
        choice["text"] = text
    kind = "chat.completion.chunk" if chat else "text_completion"
    return {"id": "fake-1", "object": kind, "created": 0, "model": body["model"], "choices": [choice]}


def _whole(chat: bool, reply: Reply, body: Mapping[str, Any]) -> dict[str, Any]:
    text = "".join(reply.pieces)
    choice: dict[str, Any] = {"index": 0, "finish_reason": reply.finish_reason}
    choice |= {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
    usage = {"prompt_tokens": 1, "completion_tokens": len(reply.pieces), "total_tokens": 1 + len(reply.pieces)}
    kind = "chat.completion" if chat else "text_completion"
    return {"id": "fake-1", "object": kind, "created": 0, "model": body["model"], "choices": [choice], "usage": usage}


def load_script(script: Mapping[str, Any]) -> FakeOpenAI:
    """Make a server from a script's JSON; unknown names are errors."""
    known = {f.name for f in fields(Reply)}
    for reply in script.get("replies", ()):
        if unknown := set(reply) - known:
            raise ValueError(f"unknown in a reply: {', '.join(sorted(unknown))}")
    options = {
        name: script[name]
        for name in ("models", "api_key", "embedding_dim", "rerank_path", "llama_cpp", "fim")
        if name in script
    }
    return FakeOpenAI([Reply(**reply) for reply in script.get("replies", ())], **options)


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", type=Path)
    arguments = parser.parse_args()
    server = load_script(json.loads(arguments.script.read_text("utf-8")) if arguments.script else {})
    server.port = arguments.port
    with server, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
