"""From a key to ghost text: how long the language server takes around a model that takes no time to think.

A server process over its pipes, an index of TREE, and a scripted endpoint on loopback that answers at once. At each of
--keys places of a document one bracket is typed (`didChange`) and ghost text is asked for (`inlineCompletion`,
automatic):

- "key to request": until the endpoint has the whole request; the debounce is in it, and so are search and prompt;
- "next key to request": the same for a key that the suggestion does not say, on the same line;
- "token to answer": from the endpoint's sending of its first piece, with which the suggestion is complete, to the
  answer at the client;
- "typed through": three further keys that the suggestion says, from the key to the answer.

Client, endpoint and server share the machine. Twenty keys come before those that count. Beside it, "echo" is a request
that is answered at once (`kibitz/search` without a query is refused): what the wire and the client take. Linux only.
"""

import argparse
import contextlib
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.costs import machine, percentile
from tests.e2e.conftest import new_user
from tests.e2e.lsp_client import ErrorAnswer, LspClient
from tests.fakes.openai_server import FakeOpenAI, Reply, Request

WARM = 20
WHAT = ("key to request", "next key to request", "token to answer", "typed through", "echo")
ANSWER = "row.price, row.size, row.name)\n\nprint(1)\n"


class Endpoint(FakeOpenAI):
    """Remembers when requests came and when their first piece went."""

    def __init__(self) -> None:
        super().__init__([Reply(pieces=(ANSWER,))], models=("qwen2.5-coder",))
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


def change(uri: str, version: int, where: dict[str, int], text: str) -> dict[str, Any]:
    """The params of one change, as an editor sends it at a key."""
    changes = [{"range": {"start": where, "end": where}, "text": text}]
    return {"textDocument": {"uri": uri, "version": version}, "contentChanges": changes}


def ask(client: LspClient, uri: str, line: int, column: int) -> Any:
    """Ask for ghost text and wait for it."""
    params = {
        "textDocument": {"uri": uri},
        "position": {"line": line, "character": column},
        "context": {"triggerKind": 2},
    }
    return client.call("textDocument/inlineCompletion", params)


def measure(client: LspClient, endpoint: Endpoint, uri: str, lines: list[str], keys: int) -> dict[str, list[float]]:
    """Type at so many lines; return what was taken, in milliseconds."""
    taken: dict[str, list[float]] = {name: [] for name in WHAT}
    version, places = 1, [n for n, line in enumerate(lines) if line.strip()]
    step = max(1, len(places) // (keys + WARM))
    for number, line in enumerate(places[::step][: keys + WARM]):
        column = len(lines[line])
        client.received.clear()
        asked, sent = len(endpoint.came), len(endpoint.sent)
        began = time.perf_counter()
        version += 1
        client.notify("textDocument/didChange", change(uri, version, {"line": line, "character": column}, "("))
        answer = ask(client, uri, line, column + 1)
        ended = time.perf_counter()
        began_echo = time.perf_counter()
        with contextlib.suppress(ErrorAnswer):
            client.call("kibitz/search", {"query": ""})
        echo = (time.perf_counter() - began_echo) * 1000
        if len(endpoint.came) == asked or not answer or number < WARM:
            continue
        taken["key to request"].append((endpoint.came[asked] - began) * 1000)
        taken["token to answer"].append((ended - endpoint.sent[sent]) * 1000)
        taken["echo"].append(echo)
        text = answer["items"][0]["insertText"]
        for typed in range(3):
            began = time.perf_counter()
            version += 1
            client.notify(
                "textDocument/didChange",
                change(uri, version, {"line": line, "character": column + 1 + typed}, text[typed]),
            )
            served = ask(client, uri, line, column + 2 + typed)
            taken["typed through"].append((time.perf_counter() - began) * 1000)
            assert served["items"][0]["insertText"] == text[typed + 1 :]
        asked, began = len(endpoint.came), time.perf_counter()
        version += 1
        where = {"line": line, "character": column + 4}
        client.notify("textDocument/didChange", change(uri, version, where, "["))
        ask(client, uri, line, column + 5)
        if len(endpoint.came) > asked:
            taken["next key to request"].append((endpoint.came[asked] - began) * 1000)
    return taken


def cpu_s(pid: int) -> float:
    """User and system time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path)
    parser.add_argument("document", help="a file of the tree to type in")
    parser.add_argument("--cache", type=Path, required=True, help="the cache directory that holds the tree's index")
    parser.add_argument("--keys", type=int, default=200)
    args = parser.parse_args()
    text = (args.tree / args.document).read_text("utf-8")
    uri = (args.tree / args.document).resolve().as_uri()
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary, Endpoint() as endpoint:
        home = Path(temporary)
        env = new_user(home, KIBITZ_CACHE_DIR=str(args.cache), OPENAI_BASE_URL=endpoint.url)
        with LspClient(env={**os.environ, **env}, cwd=home) as client:
            client.call(
                "initialize",
                {
                    "processId": None,
                    "rootUri": args.tree.resolve().as_uri(),
                    "capabilities": {"textDocument": {"inlineCompletion": {}}},
                },
            )
            client.notify("initialized", {})
            chunks = client.call("kibitz/status", {})["index"]["chunks"]
            document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
            client.notify("textDocument/didOpen", {"textDocument": document})
            before = cpu_s(client.process.pid)
            taken = measure(client, endpoint, uri, text.split("\n"), args.keys)
            used = (cpu_s(client.process.pid) - before) * 1000 / max(1, len(taken["echo"]) + WARM)
    print(f"{machine()}\n{chunks} chunks; a document of {len(text) / 1000:.0f} KB")
    print(f"{used:.0f} ms of the server's CPU for a place with its six requests\n")
    print("| what | times | p50 ms | p95 ms | p99 ms |\n|---|--:|--:|--:|--:|")
    for name, every in taken.items():
        print(
            f"| {name} | {len(every)} | {statistics.median(every):.1f} | {percentile(every, 95):.1f} "
            f"| {percentile(every, 99):.1f} |"
        )


if __name__ == "__main__":
    main()
