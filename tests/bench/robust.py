"""What a language server stands: each hardship over real pipes, with counts, and what it leaves behind.

Every act asserts what it is about (one answer a request, texts equal, connections let go); the table says how much of
it there was, and the server's memory, open files and threads before and after.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench.costs import machine, memory
from tests.e2e.conftest import BANK, new_user
from tests.e2e.hardships import bad_endpoint, cancelled_requests, edited_documents, mutated_messages
from tests.e2e.lsp_client import LspClient
from tests.fakes.bad_endpoint import BadEndpoint

MB = 1 << 20
_SETTLE_S = 6.0  # kept connections of the server to the model are let go a few seconds after their use


def state(pid: int) -> str:
    """Memory, open files and threads of a process."""
    proc = Path(f"/proc/{pid}")
    files, threads = (sum(1 for _ in (proc / kind).iterdir()) for kind in ("fd", "task"))
    return f"{memory([pid], 'Rss'):.0f} | {files} | {threads}"


def large_message(client: LspClient, root: Path, megabytes: int) -> dict[str, int]:
    uri = (root / "large.txt").as_uri()
    before = client.call("kibitz/status")["open_documents"]  # mutants have opened some
    client.open(uri, "x = 1  # forty characters of a long file\n" * (megabytes * MB // 41), language="plaintext")
    assert client.call("kibitz/status")["open_documents"] == before + 1
    client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert client.call("kibitz/status")["open_documents"] == before
    return {"MB": megabytes}


def ends(env: dict[str, str], root: Path, times: int) -> list[tuple[float, float]]:
    """Seconds until `shutdown` is answered that is sent right behind 100 requests to a warm server and a round, and
    from `exit` until the process is gone."""
    spent = []
    for _ in range(times):
        with LspClient(env={**env, "KIBITZ_INDEX_ON_START": "true"}, cwd=root) as client:
            client.initialize(root)
            client.call("kibitz/chat", {"question": "Where?"})
            for _ in range(50):
                client.request("kibitz/search", {"query": "money"})
                client.request("kibitz/chat", {"question": "Where?"})
            client.request("kibitz/index")
            began = time.monotonic()
            client.call("shutdown")
            answered = time.monotonic()
            client.notify("exit")
            client.process.wait()
            spent.append((answered - began, time.monotonic() - answered))
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--megabytes", type=int, default=50)
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--edits", type=int, default=50, help="of each document")
    parser.add_argument("--requests", type=int, default=1_000)
    parser.add_argument("--faults", type=int, default=30, help="requests for each way to fail of the endpoint")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(f"{machine()}\n\n| act | counted | RSS MB | files | threads |\n|---|---|--:|--:|--:|")
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary, BadEndpoint() as endpoint:
        root = Path(temporary) / "shop"
        root.mkdir()
        (root / "bank.py").write_text(BANK, encoding="utf-8")
        uri = (root / "bank.py").as_uri()
        settings = {"OPENAI_BASE_URL": endpoint.url, "KIBITZ_EDIT_BUDGET_TOKENS": "200000"}
        env = new_user(Path(temporary), **settings)
        with LspClient(env=env, cwd=root) as client:
            pid = client.process.pid
            client.initialize(root)
            client.call("kibitz/index")
            mutated_messages(client, uri, 200, args.seed)  # everything is loaded now
            acts: dict[str, Callable[[], object]] = {
                "warm": lambda: "",
                **{
                    f"mutated messages, round {turn}": partial(
                        mutated_messages, client, uri, args.messages, args.seed + turn
                    )
                    for turn in (1, 2, 3)
                },
                "one message": lambda: large_message(client, root, args.megabytes),
                "documents edited by turns": lambda: edited_documents(
                    client, root, args.documents, args.edits, args.seed
                ),
                **{
                    f"requests taken back, round {turn}": partial(
                        cancelled_requests, client, uri, args.requests, args.seed + turn
                    )
                    for turn in (1, 2, 3)
                },
                "a failing endpoint": lambda: bad_endpoint(client, uri, endpoint, args.faults),
            }
            for name, act in acts.items():
                counted = act()
                time.sleep(_SETTLE_S)
                client.received.clear()
                assert endpoint.wait_until_left() == 0
                print(f"| {name} | {_spoken(counted)} | {state(pid)} |", flush=True)
            print(f"\nexit code {client.shutdown()}, {client.stderr.count('Traceback')} tracebacks in the log")
            if "Traceback" in client.stderr:
                print(client.stderr[client.stderr.index("Traceback") - 200 :][:5_000])
        gone = ends(env, root, 9)
        for name, each in zip(
            ("shutdown under load to its answer", "exit to the end"), zip(*gone, strict=True), strict=True
        ):
            print(f"s from {name}: median {statistics.median(each):.2f}, most {max(each):.2f}")


def _spoken(counted: object) -> str:
    if not isinstance(counted, dict):
        return str(counted)
    return ", ".join(
        f"{name}: {_spoken(count)}" if isinstance(count, dict) else f"{count:,} {name}"
        for name, count in counted.items()
    )


if __name__ == "__main__":
    main()
