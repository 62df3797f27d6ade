"""What filters add to a search, what a search costs without an index, and what `kibitz mcp` takes to answer.

Processor time, in the process that answers; the tree is indexed in a cache of its own first.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kibitz.indexer.filters import NO_FILTERS, Filters, chunks_inside, files_inside
from kibitz.indexer.scan import scan
from kibitz.server.app import build_app
from tests.bench.costs import KIBITZ, cpu_seconds, machine, run
from tests.bench.search import questions_of
from tests.e2e.conftest import new_user

HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}


def median_ms(act: Callable[[str], Any], questions: list[str]) -> float:
    """Processor time of an act for one question."""
    act(questions[0])
    times: list[float] = []
    for question in questions:
        began = time.process_time()
        act(question)
        times.append((time.process_time() - began) * 1000)
    return statistics.median(times)


def filtered(tree: Path, env: dict[str, str], questions: list[str], globs: list[str]) -> None:
    app = build_app(tree, environ=env)
    searcher, view = app.searcher(), app.searcher().view
    print(f"{view.files} files, {view.chunks} chunks\n\n| filter | its masks, ms | search, ms |\n|---|--:|--:|")
    for name, filters in (
        ("none", NO_FILTERS),
        ("a kind", Filters.of(kinds=["function"])),
        ("a language", Filters.of(["python"])),
        (" ".join(globs), Filters.of(globs=globs)),
    ):
        masks = median_ms(lambda _: (files_inside(view, "", filters), chunks_inside(view, filters)), questions)  # noqa: B023
        search = median_ms(lambda asked: searcher.search(asked, filters=filters), questions)  # noqa: B023
        print(f"| {name} | {masks:.2f} | {search:.2f} |")
    longest = median_ms(lambda asked: app.search_now(f"{asked} " * 2_000, 10), questions)
    print(f"| none; a question of 100,000 characters | | {longest:.2f} |")
    print(f"| no index: the files are scanned | | {median_ms(lambda asked: scan(tree, asked), questions[:5]):.0f} |")


def agent(tree: Path, env: dict[str, str], question: str) -> None:
    command = [*KIBITZ, "mcp", "--path", str(tree)]
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        print("\n| `kibitz mcp` | CPU s so far |\n|---|--:|")
        asked = {"name": "search", "arguments": {"query": question}}
        for number, (method, params) in enumerate(
            [("initialize", HELLO), ("tools/call", asked), ("tools/call", asked)], 1
        ):
            ask(process, {"jsonrpc": "2.0", "id": number, "method": method, "params": params})
            print(f"| {number}: {method} | {cpu_seconds(process.pid):.2f} |")
            if method == "initialize":
                tell(process, {"jsonrpc": "2.0", "method": "notifications/initialized"})


def tell(process: "subprocess.Popen[bytes]", message: dict[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message).encode() + b"\n")
    process.stdin.flush()


def ask(process: "subprocess.Popen[bytes]", message: dict[str, Any]) -> Any:
    tell(process, message)
    assert process.stdout is not None
    return json.loads(process.stdout.readline())["result"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path, help="nothing is written there")
    parser.add_argument("--glob", action="append", required=True)
    args = parser.parse_args()
    tree = args.tree.resolve()
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
        env = new_user(Path(temporary))
        run([*KIBITZ, "index", tree], env=env)
        print(f"{machine()}\n")
        questions = questions_of(tree, 40, None)
        filtered(tree, env, questions, args.glob)
        agent(tree, env, questions[0])


if __name__ == "__main__":
    main()
