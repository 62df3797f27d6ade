"""From a key to ghost text: how long the language server takes around a model that takes no time to think.

A server process over its pipes, an index of TREE, and a scripted endpoint on loopback that answers at once. A key is a
`didChange` and an `inlineCompletion` (automatic); `--gap` milliseconds pass before each, as somebody types who is fast.
--keys times it goes like this: a key at a new place of a document, three keys that the suggestion says, a key that it
does not say, a key on a new line below, and one in another document; then all is taken back.

- "key to request" is until the endpoint has the whole request, at each kind of place, without the debounce: of a key
  that is debounced for 8 ms and asked about 11 ms after it was typed, 3 ms. "Debounce" is what was left out;
- "piece to answer" is from the endpoint's sending of its first piece, with which the suggestion is complete, until the
  client has the answer, and "piece to progress" the same for the `$/progress` of a chat and of an edit;
- "typed through" is from a key that the suggestion says to the answer;
- "echo" is a request that is answered at once (`kibitz/search` without a query is refused).

"CPU" is what the server computes meanwhile, in all its threads, from just before the key until the answer and what goes
on in the background has ended. "Floor" is the same for a server that does the least (`keystroke_servers`), in the same
run: what the wire, the client, the endpoint and this machine's load take of each row. Linux only.
"""

import argparse
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.costs import machine, percentile
from tests.bench.keystroke_servers import MODEL, WAIT
from tests.e2e.conftest import new_user
from tests.e2e.lsp_client import ErrorAnswer, LspClient
from tests.fakes.openai_server import FakeOpenAI, Reply, Request

WARM = 20
ANSWER = "row.price, row.size, row.name)\n\nprint(1)\n"
SERVERS = "tests.bench.keystroke_servers"


class Endpoint(FakeOpenAI):
    """Remembers when requests came and when their first piece went."""

    def __init__(self, think_s: float = 0.0) -> None:
        code = "```python\nvalue = 1\n```\n"
        chat = [Reply(pieces=(code,), when="<edit>", at="chat"), Reply(pieces=("Because it is so.",), at="chat")]
        super().__init__([*chat, Reply(pieces=(ANSWER,), at="v1/completions", delay_s=think_s)], models=(MODEL,))
        self.came: list[float] = []
        self.sent: list[float] = []

    def record(self, request: Request) -> None:
        if request.path.endswith("completions"):
            self.came.append(time.perf_counter())
        super().record(request)

    def note(self, request: Request, **facts: Any) -> None:
        if facts.get("pieces_sent") == 1:
            self.sent.append(time.perf_counter())
        super().note(request, **facts)


@dataclass
class Taken:
    """Milliseconds by what took them."""

    wall: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, seconds: float, cpu_s: float | None = None) -> None:
        self.wall.setdefault(name, []).append(seconds * 1000)
        if cpu_s is not None:
            self.cpu.setdefault(name, []).append(cpu_s * 1000)


@dataclass
class Editor:
    """One open document as somebody types in it."""

    client: LspClient
    endpoint: Endpoint
    uri: str
    lines: list[str]
    gap_s: float
    version: int = 1

    def change(self, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
        self.version += 1
        ends = {name: {"line": at[0], "character": at[1]} for name, at in (("start", start), ("end", end))}
        changes = [{"range": ends, "text": text}]
        document = {"uri": self.uri, "version": self.version}
        self.client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})

    def key(self, at: tuple[int, int], text: str, after: tuple[int, int], kind: str, taken: Taken | None) -> Any:
        """Type, ask, wait; note what it took."""
        time.sleep(self.gap_s)
        self.client.received.clear()
        asked, sent, told = len(self.endpoint.came), len(self.endpoint.sent), len(self.client.stderr)
        before, began = cpu_s(self.client.process.pid), time.perf_counter()
        self.change(at, at, text)
        where = {"line": after[0], "character": after[1]}
        params = {"textDocument": {"uri": self.uri}, "position": where, "context": {"triggerKind": 2}}
        answer = self.client.call("textDocument/inlineCompletion", params)
        ended = time.perf_counter()
        time.sleep(self.gap_s)
        if taken is None:
            return answer
        used = cpu_s(self.client.process.pid) - before
        if len(self.endpoint.came) == asked:
            taken.add(kind, ended - began, used)
            return answer
        waited = sum(waits(self.client.stderr[told:]))
        taken.add(kind, self.endpoint.came[asked] - began - waited, used)
        taken.add("debounce", waited)
        if answer and len(self.endpoint.sent) > sent:
            taken.add("piece to answer", ended - self.endpoint.sent[sent])
        return answer

    def undo(self, start: int, last: int) -> None:
        """Give lines back as they were; `last` is the last of them as they are now."""
        self.change((start, len(self.lines[start])), (last, 1_000_000), "")


def waits(said: str) -> Iterator[float]:
    """The seconds of each wait that a server has told of."""
    return (float(line.split()[2]) for line in said.splitlines() if line.startswith(f"{WAIT} "))


def cpu_s(pid: int) -> float:
    """Processor seconds of a running process in all its threads, exactly."""
    spent = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            spent += int((task / "schedstat").read_text("ascii").split()[0])
    return spent / 1e9


def measure(first: Editor, second: Editor, keys: int) -> Taken:
    """Type at so many places."""
    taken, noted = Taken(), None
    places, others = ([n for n, line in enumerate(e.lines) if line.strip()] for e in (first, second))
    for number in range(keys + WARM):
        noted = taken if number >= WARM else None
        # Neighbours are far apart, as if somebody went to a definition and back.
        line, other = (some[number * 379 % len(some)] for some in (places, others))
        column = len(first.lines[line])
        answer = first.key((line, column), "(", (line, column + 1), "new place", noted)
        said = answer["items"][0]["insertText"] if answer and answer["items"] else ""
        typed = 0
        while said == ANSWER.split("\n", maxsplit=1)[0] and typed < 3:
            at = column + 1 + typed
            served = first.key((line, at), said[typed], (line, at + 1), "typed through", noted)
            typed += 1
            assert served["items"][0]["insertText"] == said[typed:]
        at = column + 1 + typed
        first.key((line, at), "[", (line, at + 1), "same line", noted)
        first.key((line, at + 1), "\n    ", (line + 1, 4), "new line", noted)
        column = len(second.lines[other])
        second.key((other, column), "(", (other, column + 1), "other document", noted)
        first.undo(line, line + 1)
        second.undo(other, other)
        began = time.perf_counter()
        with contextlib.suppress(ErrorAnswer):
            first.client.call("kibitz/search", {"query": ""})
        if noted is not None:
            noted.add("echo", time.perf_counter() - began)
    return taken


def measure_progress(editor: Editor, taken: Taken, times: int) -> None:
    """Ask questions and for edits, each over when its answer is there."""
    client, endpoint, document = editor.client, editor.endpoint, {"uri": editor.uri}
    lines = {"start": {"line": 3, "character": 0}, "end": {"line": 4, "character": 0}}
    asks: dict[str, tuple[str, dict[str, Any]]] = {
        "chat": ("kibitz/chat", {"question": "Why is a symbol cached?"}),
        "edit": ("kibitz/edit", {"textDocument": document, "range": lines, "instruction": "Say 1", "apply": False}),
    }
    for number in range(times):
        for name, (method, params) in asks.items():
            client.received.clear()
            sent, token = len(endpoint.sent), f"{name}-{number}"
            with contextlib.suppress(ErrorAnswer):
                asked = client.request(method, {**params, "partialResultToken": token})
                client.wait_for(lambda m: m.get("method") == "$/progress" or m.get("id") == asked)  # noqa: B023
                came = time.perf_counter()
                client.answer_to(asked)
                if client.notifications("$/progress") and number:
                    taken.add(f"piece to progress, {name}", came - endpoint.sent[sent])


def run(server: str, args: argparse.Namespace, use: Callable[[Editor, Editor], Taken]) -> tuple[int, Taken]:
    """Start a server and an endpoint, open both documents, and use them."""
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary, Endpoint(args.think / 1000) as endpoint:
        home = Path(temporary)
        env = new_user(home, KIBITZ_CACHE_DIR=str(args.cache), OPENAI_BASE_URL=endpoint.url)
        with LspClient(env={**os.environ, **env}, cwd=home, python=("-m", SERVERS, server)) as client:
            root = args.tree.resolve()
            client.initialize(root, {"textDocument": {"inlineCompletion": {}}})
            chunks = client.call("kibitz/status", {})["index"]["chunks"] if server == "ours" else 0
            editors = []
            for name in args.documents:
                text = (root / name).read_text("utf-8")
                client.open((root / name).as_uri(), text)
                editors.append(Editor(client, endpoint, (root / name).as_uri(), text.split("\n"), args.gap / 1000))
            return chunks, use(editors[0], editors[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path)
    parser.add_argument("documents", nargs=2, help="two files of the tree to type in")
    parser.add_argument("--cache", type=Path, required=True, help="the cache directory that holds the tree's index")
    parser.add_argument("--keys", type=int, default=100)
    parser.add_argument("--gap", type=float, default=60, help="milliseconds between keys")
    parser.add_argument("--think", type=float, default=0, help="milliseconds that the endpoint takes to begin")
    args = parser.parse_args()

    def ours(first: Editor, second: Editor) -> Taken:
        taken = measure(first, second, args.keys)
        measure_progress(first, taken, args.keys // 4)
        return taken

    load = os.getloadavg()[0]
    _, floor = run("floor", args, lambda first, second: measure(first, second, args.keys // 2))
    chunks, taken = run("ours", args, ours)
    print(f"{machine()}; load {load:.1f} before, {os.getloadavg()[0]:.1f} after\n{chunks} chunks\n")
    print("| what | times | p50 ms | p95 ms | p99 ms | CPU ms | floor p50 | p95 | CPU |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for name, wall in taken.wall.items():
        cells = [name, str(len(wall)), *(f"{percentile(wall, n):.1f}" for n in (50, 95, 99)), mean(taken.cpu.get(name))]
        least = floor.wall.get(name)
        cells += [f"{percentile(least, n):.1f}" for n in (50, 95)] if least else ["", ""]
        print(f"| {' | '.join([*cells, mean(floor.cpu.get(name))])} |")


def mean(values: list[float] | None) -> str:
    """The mean as a table shows it."""
    return f"{statistics.mean(values):.1f}" if values else ""


if __name__ == "__main__":
    main()
