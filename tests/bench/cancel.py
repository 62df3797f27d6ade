"""How soon a model's connection is free again: cancelled requests, and a question that gives way to ghost text.

A scripted endpoint in this process sees when a connection closes; the server is a process of its own, over pipes. The
time is from just before `$/cancelRequest` (or the request for ghost text) is written until the endpoint sees the end.
"""

import argparse
import contextlib
import queue
import socket
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.costs import machine, percentile
from tests.e2e.conftest import BANK, new_user
from tests.e2e.lsp_client import ErrorAnswer, LspClient
from tests.fakes.bad_endpoint import STREAM, BadEndpoint, event

_WAIT_S = 30.0
_PIECE_EVERY_S = 0.02


class WatchedEndpoint(BadEndpoint):
    """Plays `plays` one after the other, and tells when each was asked and when its client left."""

    def __init__(self) -> None:
        super().__init__()
        self.plays: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.asked_at: queue.SimpleQueue[float] = queue.SimpleQueue()
        self.left_at: queue.SimpleQueue[float] = queue.SimpleQueue()

    def _play(self, client: socket.socket, fault: str) -> None:
        asked = time.perf_counter()
        play = fault if self.plays.empty() else self.plays.get()
        if play == "streams":
            client.sendall(STREAM)
            with contextlib.suppress(OSError):
                while True:
                    client.sendall(event("word "))
                    time.sleep(_PIECE_EVERY_S)
        elif play in ("stalls", "stalls later"):
            self.asked_at.put(asked)
            super()._play(client, play)
            self.left_at.put(time.perf_counter())
        else:
            self.asked_at.put(asked)
            super()._play(client, play)


class Bench:
    """A warm server, with as many places at the endpoint as are asked for."""

    def __init__(self, client: LspClient, endpoint: WatchedEndpoint, uri: str) -> None:
        self.client, self.endpoint, self.uri = client, endpoint, uri
        self._texts = 0

    def chat(self, play: str) -> int:
        """Ask a question that is played so; its id."""
        self.endpoint.plays.put(play)
        return self.client.request("kibitz/chat", {"question": "Where?"})

    def ghost(self, play: str) -> int:
        """Ask for ghost text that is played so; its id."""
        self.endpoint.plays.put(play)
        return self.client.request("textDocument/inlineCompletion", self._cursor())

    def cancelled_ms(self, ask: Callable[[str], int], play: str) -> float:
        """From the cancel to the closed connection."""
        msg_id = ask(play)
        self.endpoint.asked_at.get(timeout=_WAIT_S)
        time.sleep(0.01)  # it has begun by now, if it begins at all
        began = time.perf_counter()
        self.client.notify("$/cancelRequest", {"id": msg_id})
        left = self.endpoint.left_at.get(timeout=_WAIT_S)
        self._answered(msg_id)
        return (left - began) * 1000

    def gives_way_ms(self) -> tuple[float, float]:
        """From the request for ghost text until a question's connection is closed, and until the model is asked."""
        question = self.chat("stalls")
        self.endpoint.asked_at.get(timeout=_WAIT_S)
        self.endpoint.plays.put("answers")
        self.endpoint.plays.put("stalls")  # the question, again
        began = time.perf_counter()
        key = self.client.request("textDocument/inlineCompletion", self._cursor())
        left = self.endpoint.left_at.get(timeout=_WAIT_S)
        asked = self.endpoint.asked_at.get(timeout=_WAIT_S)
        self._answered(key)
        self.endpoint.asked_at.get(timeout=_WAIT_S)
        self.client.notify("$/cancelRequest", {"id": question})
        self.endpoint.left_at.get(timeout=_WAIT_S)
        self._answered(question)
        return (left - began) * 1000, (asked - began) * 1000

    def _cursor(self) -> dict[str, Any]:
        """A place where no answer is in hand: each request is for another text."""
        self._texts += 1
        text = f"{BANK}\n\ndef number_{self._texts}(account):\n    return "
        change = {"textDocument": {"uri": self.uri, "version": self._texts + 1}, "contentChanges": [{"text": text}]}
        self.client.notify("textDocument/didChange", change)
        line = text.count("\n")
        position = {"line": line, "character": len("    return ")}
        return {"textDocument": {"uri": self.uri}, "position": position, "context": {"triggerKind": 2}}

    def _answered(self, msg_id: int) -> None:
        with contextlib.suppress(ErrorAnswer):
            self.client.answer_to(msg_id)
        self.client.received.clear()


def row(name: str, times: list[float]) -> None:
    print(f"| {name} | {statistics.median(times):.1f} | {percentile(times, 95):.1f} | {max(times):.1f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=200)
    args = parser.parse_args()
    print(f"{machine()}, {args.times} times each\n\n| ms | p50 | p95 | most |\n|---|--:|--:|--:|")
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
        root = Path(temporary) / "shop"
        root.mkdir()
        (root / "bank.py").write_text(BANK, encoding="utf-8")
        for parallel in (8, 1):
            with WatchedEndpoint() as endpoint:
                settings = {"OPENAI_BASE_URL": endpoint.url, "KIBITZ_LOCAL_PARALLEL": str(parallel)}
                env = new_user(Path(temporary), **settings)
                with LspClient(env=env, cwd=root) as client:
                    client.initialize(root)
                    client.call("kibitz/index")
                    uri = (root / "bank.py").as_uri()
                    client.open(uri, BANK)
                    client.call("kibitz/chat", {"question": "Where?"})
                    endpoint.asked_at.get(timeout=_WAIT_S)
                    bench = Bench(client, endpoint, uri)
                    (cancels if parallel > 1 else gives_way)(bench, args.times)
                    client.shutdown()


def cancels(bench: Bench, times: int) -> None:
    for play, when in (("stalls", "before its first token"), ("stalls later", "in the middle")):
        row(f"a question, {when}", [bench.cancelled_ms(bench.chat, play) for _ in range(times)])
        row(f"ghost text, {when}", [bench.cancelled_ms(bench.ghost, play) for _ in range(times)])
    streaming = [bench.chat("streams") for _ in range(3)]
    time.sleep(1.0)
    for play, when in (("stalls", "before its first token"), ("stalls later", "in the middle")):
        beside = [bench.cancelled_ms(bench.chat, play) for _ in range(times)]
        row(f"a question, {when}, while three others stream", beside)
    for msg_id in streaming:
        bench.client.notify("$/cancelRequest", {"id": msg_id})


def gives_way(bench: Bench, times: int) -> None:
    pairs = [bench.gives_way_ms() for _ in range(times)]
    row("a question gives way to ghost text: from the key until it is closed", [left for left, _ in pairs])
    row("… until ghost text is asked for", [asked for _, asked in pairs])
    row("… from one to the other", [asked - left for left, asked in pairs])


if __name__ == "__main__":
    main()
