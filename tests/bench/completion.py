"""How long a prompt for ghost text takes, from the request to the rendered text: search and render, no model.

Documents of three sizes are put together from the tree's own files. At each of --places cursors a prompt is made (a new
place), then one character is typed and it is made again (the next key). Beside it, in the same run: encoding the whole
document with tiktoken to cut a window out of it, the plain way to keep a budget; it searches nothing. "encoded" is how
many tokens were encoded for each one in the prompt. Times are this thread's wall time and the process's CPU time;
"without search" is the CPU time but that of the search.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from kibitz.indexer.embed.static import load_static
from kibitz.indexer.index import update
from kibitz.indexer.search import Searcher
from kibitz.indexer.types import Hit
from kibitz.indexer.workspace import survey
from kibitz.prompts.templates.families import FAMILIES
from kibitz.prompts.tokens import TiktokenTokenizer
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.completion.suggest import completion_prompt
from kibitz.server.config import Config
from kibitz.server.rendering import Counting, Memory
from kibitz.server.retrieval import Retrieve, retriever
from tests.bench.costs import machine, percentile

SIZES = {"2 KB": 2_000, "200 KB": 200_000, "1 MB": 1_000_000}


class Counted(TiktokenTokenizer):
    """Counts the tokens that it encodes."""

    encoded = 0

    def encode(self, text: str) -> list[int]:
        ids = super().encode(text)
        self.encoded += len(ids)
        return ids


def document(tree: Path, size: int, suffix: str) -> str:
    """So many characters of the tree's files, one after the other, in an order that is always the same."""
    paths = sorted(file.path for file in survey(tree).files if file.path.endswith(suffix))
    random.Random(1).shuffle(paths)
    text = ""
    for path in paths:
        text += (tree / path).read_text("utf-8", "replace")
        if len(text) >= size:
            break
    return text[:size]


def at(text: str, place: int, suffix: str) -> Snapshot:
    return Snapshot(f"unsaved{suffix}", 1, text[:place], text[place:], "python" if suffix == ".py" else "c")


def timed(work: Callable[[], int]) -> tuple[float, float, int]:
    """Milliseconds of wall and CPU, and what the work returned."""
    cpu, began = time.process_time(), time.perf_counter()
    result = work()
    return (time.perf_counter() - began) * 1000, (time.process_time() - cpu) * 1000, result


def window(at: Snapshot, tokenizer: Counted, budget: int) -> int:
    """The plain way: encode all, keep three quarters of the budget before the cursor and a quarter after it."""
    before, after = tokenizer.encode(at.prefix), tokenizer.encode(at.suffix)
    kept = before[-budget * 3 // 4 :], after[: budget // 4]
    return len(tokenizer.decode(kept[0]) + tokenizer.decode(kept[1])) and len(kept[0]) + len(kept[1])


def measure(text: str, suffix: str, places: int, retrieve: Retrieve, loop: asyncio.AbstractEventLoop) -> None:
    budget, reserve = Config().completion_budget_tokens, Config().completion_tokens
    tokenizer, plain, memory = Counted("o200k_base"), Counted("o200k_base"), Memory()

    searched = 0.0

    async def timed_search(query: str, k: int) -> Sequence[Hit]:
        nonlocal searched
        began = time.process_time()
        hits = await retrieve(query, k)
        searched += (time.process_time() - began) * 1000
        return hits

    def prompt(snapshot: Snapshot) -> int:
        work = completion_prompt(
            snapshot,
            retrieve=timed_search,
            family=FAMILIES["qwen-coder"],
            counting=Counting(tokenizer),
            budget_tokens=budget,
            reserve_tokens=reserve,
            memory=memory,
        )
        return loop.run_until_complete(work).tokens

    taken: dict[str, list[tuple[float, float, int, int, float]]] = {"new place": [], "next key": [], "encode all": []}
    for number in random.Random(2).sample(range(1, len(text)), places):
        snapshot = at(text, text.find("\n", number) if "\n" in text[number:] else number, suffix)
        typed = replace(snapshot, version=2, prefix=snapshot.prefix + "s")
        for name, where in (("new place", snapshot), ("next key", typed)):
            before, searched = tokenizer.encoded, 0.0
            taken[name].append((*timed(partial(prompt, where)), tokenizer.encoded - before, searched))
        before = plain.encoded
        taken["encode all"].append((*timed(partial(window, snapshot, plain, budget)), plain.encoded - before, 0.0))
    for name, every in taken.items():
        wall, cpu = [each[0] for each in every], [each[1] for each in every]
        ratio = sum(each[3] for each in every) / sum(each[2] for each in every)
        print(
            f"| {len(text) / 1000:.0f} KB | {name} | {statistics.median(wall):.1f} | {percentile(wall, 95):.1f} "
            f"| {statistics.median(cpu):.1f} | {statistics.median(each[1] - each[4] for each in every):.1f} "
            f"| {statistics.median(each[2] for each in every):.0f} | {ratio:.2f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--suffix", default=".py", help="the files that the documents are made of")
    parser.add_argument("--places", type=int, default=60)
    args = parser.parse_args()
    embedder, loop = load_static(), asyncio.new_event_loop()
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
        report = update(args.tree, cache_dir=Path(temporary), embedder=embedder)
        searcher = Searcher.open(args.tree, cache_dir=Path(temporary), embedder=embedder)
        Counted("o200k_base").count("ready")  # reads the ranks, once a process
        searcher.search("ready")
        print(f"{machine()}\n{report.files} files, {report.chunks} chunks; {args.places} places a document\n")
        print("| document | request | median ms | p95 ms | CPU ms | without search | tokens | encoded |")
        print("|---|---|--:|--:|--:|--:|--:|--:|")
        for size in SIZES.values():
            measure(document(args.tree, size, args.suffix), args.suffix, args.places, retriever(searcher), loop)
    loop.close()


if __name__ == "__main__":
    main()
