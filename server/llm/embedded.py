"""A model on this machine with nothing else installed: llama.cpp in a child process, spoken to over loopback."""

import asyncio
import contextlib
import importlib.util
import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

from kibitz.server.errors import ModelError, NoModelError
from kibitz.server.llm.endpoint import Endpoint
from kibitz.server.llm.line import Line
from kibitz.server.llm.openai_client import OpenAIChat, OpenAICompleter
from kibitz.server.llm.ports import ChatMessage, Delta
from kibitz.server.llm.sent import SentPrompts
from kibitz.server.llm.turns import Turns

START_TIMEOUT_S = 300.0
"""Loading some gigabytes from a slow disk takes minutes."""

STOP_TIMEOUT_S = 5.0

ENGINE = Path(__file__).with_name("engine.py")

FAILURES = {
    "engine": "The embedded engine does not load on this machine: install it again with: "
    "pip install --force-reinstall xllamacpp",
    "model": "{gguf} is not a model that the embedded engine can run: is the file complete?",
}
DIED = "The embedded engine ended while it loaded {gguf}: is there enough memory?"


class EmbeddedModel:
    """A `ChatModel` and a `Completer` over any GGUF file.

    The engine starts with the first question, off the event loop, and starts again should it have died. It listens on
    127.0.0.1 only and wants a key that only this object knows. It ends with `close`, and with this process.

    Raises:
        NoModelError: the engine is not installed, or there is no such file.
        ModelError: the file is no GGUF model.
    """

    def __init__(
        self,
        gguf: Path,
        *,
        threads: int = 1,
        context_tokens: int = 4096,
        gpu_layers: int = 0,
        sent: SentPrompts | None = None,
    ) -> None:
        check_engine()
        check_gguf(gguf)
        self._gguf = gguf
        self._name = gguf.stem
        self._threads = threads
        self._context_tokens = context_tokens
        self._gpu_layers = gpu_layers
        self._sent = SentPrompts() if sent is None else sent
        self._engine: subprocess.Popen[str] | None = None
        self._loading: subprocess.Popen[str] | None = None
        self._chat: OpenAIChat | None = None
        self._completer: OpenAICompleter | None = None
        self._starting: asyncio.Task[None] | None = None
        self._changing = asyncio.Lock()

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self._name

    @property
    def context_tokens(self) -> int:
        """The longest prompt and answer together."""
        return self._context_tokens

    @property
    def endpoint(self) -> Endpoint | None:
        """Where the engine listens; None while it does not run."""
        return self._chat.endpoint if self._chat is not None else None

    async def start(self) -> None:
        """Start the engine unless it runs; the first question does the same.

        A question that is called off meanwhile leaves the start alone: while somebody types, the next one waits for it.

        Raises:
            ModelError: the engine did not start.
        """
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start())
        await asyncio.shield(self._starting)

    async def _start(self) -> None:
        async with self._changing:
            if self._engine is not None and self._engine.poll() is None:
                return
            await self._close()
            key = secrets.token_urlsafe(24)
            self._engine, url = await asyncio.to_thread(self._launch, key)
            endpoint = Endpoint(url, key, "embedded")
            line = Line(Turns(1), sent=self._sent)  # the engine has one slot
            self._chat = OpenAIChat(endpoint, self._name, line)
            self._completer = OpenAICompleter(endpoint, self._name, line)

    async def chat(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        temperature: float = 0.0,
        frequency_penalty: float = 0.0,
    ) -> AsyncGenerator[Delta, None]:
        """Stream the answer; see `ChatModel.chat`."""
        await self.start()
        assert self._chat is not None
        deltas = self._chat.chat(
            messages,
            max_tokens=max_tokens,
            stop=stop,
            temperature=temperature,
            frequency_penalty=frequency_penalty,
        )
        async with contextlib.aclosing(deltas):
            async for delta in deltas:
                yield delta

    async def complete(
        self, prompt: str, *, max_tokens: int, stop: Sequence[str] = (), temperature: float = 0.0
    ) -> AsyncGenerator[Delta, None]:
        """Stream the continuation; see `Completer.complete`."""
        await self.start()
        assert self._completer is not None
        deltas = self._completer.complete(prompt, max_tokens=max_tokens, stop=stop, temperature=temperature)
        async with contextlib.aclosing(deltas):
            async for delta in deltas:
                yield delta

    async def close(self) -> None:
        """End the engine, also one that is just starting."""
        starting, self._starting = self._starting, None
        if starting is not None:
            if self._loading is not None:
                self._loading.kill()
            await asyncio.wait({starting})
            if not starting.cancelled():
                starting.exception()  # nobody waits for it any more
        async with self._changing:
            await self._close()

    async def _close(self) -> None:
        for client in (self._chat, self._completer):
            if client is not None:
                await client.close()
        engine, self._engine, self._chat, self._completer = self._engine, None, None, None
        if engine is not None:
            await asyncio.to_thread(_end, engine)

    def _launch(self, key: str) -> tuple["subprocess.Popen[str]", str]:
        wish = {
            "gguf": str(self._gguf),
            "name": self._name,
            "threads": self._threads,
            "context_tokens": self._context_tokens,
            "gpu_layers": self._gpu_layers,
            "key": key,
        }
        engine = subprocess.Popen(
            [sys.executable, "-P", str(ENGINE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(str(Path(p).resolve()) for p in sys.path if p)},
        )
        self._loading = engine
        answer = _first_line(engine, json.dumps(wish))
        self._loading = None
        if "url" in answer:
            return engine, str(answer["url"])
        _end(engine)
        raise ModelError(FAILURES.get(str(answer.get("error")), DIED).format(gguf=self._gguf))


def check_engine() -> None:
    """Refuse with a sentence when the engine is not installed.

    Raises:
        NoModelError: it is not.
    """
    if importlib.util.find_spec("xllamacpp") is None:
        raise NoModelError("Install the embedded engine with: pip install 'kibitz[local]'")


def check_gguf(path: Path) -> None:
    """Refuse a file that cannot be a model.

    Raises:
        NoModelError: there is no such file.
        ModelError: it is something else than a GGUF file.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError:
        raise NoModelError(f"There is no model file {path}: add one with: kibitz model add smollm2") from None
    if magic != b"GGUF":
        raise ModelError(f"{path} is not a GGUF model file.")


def _first_line(engine: "subprocess.Popen[str]", wish: str) -> dict[str, Any]:
    """Send the wish, wait for the answer's line; {} when the engine died or took too long."""
    assert engine.stdin is not None
    assert engine.stdout is not None
    watchdog = threading.Timer(START_TIMEOUT_S, engine.kill)
    watchdog.start()
    try:
        engine.stdin.write(wish + "\n")
        engine.stdin.flush()
        answer = json.loads(engine.stdout.readline() or "{}")
    except (OSError, ValueError):
        answer = {}
    finally:
        watchdog.cancel()
    return answer if isinstance(answer, dict) else {}


def _end(engine: "subprocess.Popen[str]") -> None:
    """Close its input, which ends it; kill it when it does not end."""
    with contextlib.suppress(OSError):
        engine.stdin.close()  # type: ignore[union-attr]
    try:
        engine.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        engine.kill()
        engine.wait()
    engine.stdout.close()  # type: ignore[union-attr]
