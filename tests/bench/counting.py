"""How much of a budget a prompt uses by who counts its tokens, and what counting takes: `tests.bench.counting TREE`.

With --gguf the embedded engine runs that model. Prompts are made of the tree's files: a question's of 60 chunks by
rank, a document's of 2,000 lines by how near they are to a cursor. Each is rendered by the estimate alone, by the
estimate that was set at the engine once, and measured at the engine before it is sent; all sizes are those that the
engine reads. With --tokenizer, once for each file, a document is rendered for the first and the second time by that
`tokenizer.json`, beside o200k_base in the same run; times are CPU.
"""

import argparse
import asyncio
import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from kibitz.indexer.workspace import survey
from kibitz.prompts.chat_template import GENEROUS
from kibitz.prompts.errors import BudgetError
from kibitz.prompts.hf_tokens import HFTokenizer
from kibitz.prompts.nodes import Node, fragment, reserve, scope, system, user
from kibitz.prompts.rendered import Rendered
from kibitz.prompts.tokens import TiktokenTokenizer, Tokenizer
from kibitz.server.config import Config
from kibitz.server.counting import Counters
from kibitz.server.llm.embedded import EmbeddedModel
from kibitz.server.models import Models
from kibitz.server.rendering import Counting, Measure, rendered_within
from tests.bench.costs import machine

RESERVED = 200
PROMPTS = 12
BUDGETS = (1_400, 8_000)


@dataclass
class Timed:
    """A measure that counts how often it is asked, and for how long."""

    measure: Measure
    name: str = "engine"
    share: float = 1.0
    asked: int = 0
    seconds: float = 0.0

    def prompt_tokens(self, rendered: Rendered) -> int:
        start = time.perf_counter()
        tokens = self.measure.prompt_tokens(rendered)
        self.seconds += time.perf_counter() - start
        self.asked += 1
        return tokens


def question(lines: list[list[str]], choose: random.Random) -> Node:
    """Chunks of 5 to 40 lines, the best first."""
    chunks = []
    for rank in range(60):
        file = choose.choice(lines)
        start = choose.randrange(len(file))
        text = "".join(file[start : start + choose.randrange(5, 40)])
        chunks.append(scope(text, p=1_000 - rank))
    asked = scope("How is a session closed?\n", p=2_000)
    return fragment(system("You answer questions about code.\n"), user(*chunks, asked), reserve(RESERVED))


def document(lines: list[list[str]], choose: random.Random) -> Node:
    """2,000 lines round a cursor."""
    file = [line for _ in range(40) for line in choose.choice(lines)][:2_000]
    cursor = choose.randrange(len(file))
    shown = (scope(line, p=5_000 - abs(number - cursor)) for number, line in enumerate(file))
    return fragment(user(*shown), reserve(RESERVED))


MAKERS: dict[str, Callable[[list[list[str]], random.Random], Node]] = {"question": question, "document": document}


def shares(counting: Counting, trees: list[Node], budget: int) -> Iterator[str]:
    """One row of the table for each way of counting."""
    assert counting.measure is not None
    assert counting.otherwise is not None
    truth = counting.measure
    ways = {
        "estimate": counting.otherwise,
        "set once": replace(counting, measure=None),
        "measured": replace(counting, measure=Timed(truth)),
    }
    for name, way in ways.items():
        used, taken = [], []
        for tree in trees:
            start = time.perf_counter()
            try:
                rendered = rendered_within(tree, budget, way)
            except BudgetError:
                continue
            taken.append(time.perf_counter() - start)
            used.append((truth.prompt_tokens(rendered) + rendered.reserved) / budget)
        over = sum(share > 1 for share in used)
        timed = way.measure if isinstance(way.measure, Timed) else Timed(truth)
        yield (
            f"{name} | {statistics.mean(used):.3f} | {min(used):.3f} | {max(used):.3f} | {over} | "
            f"{timed.asked / len(trees):.1f} | {statistics.median(taken) * 1e3:.0f} | "
            f"{timed.seconds / len(trees) * 1e3:.0f}"
        )


async def by_engine(gguf: Path, lines: list[list[str]]) -> None:
    print("| prompt | budget | counted by | used | least | most | over | measures | ms | of it measuring |")
    print("|---|--:|---|--:|--:|--:|--:|--:|--:|--:|")
    model, counters = EmbeddedModel(gguf), Counters(Config())
    try:
        counting = await counters.counting(Models(model, model, None, "bench", embedded=True))
        for kind, make in MAKERS.items():
            trees = [make(lines, random.Random(seed)) for seed in range(PROMPTS)]
            for budget in BUDGETS:
                for row in shares(counting, trees, budget):
                    print(f"| {kind} | {budget:,} | {row} |")
    finally:
        counters.close()
        await model.close()


def by_files(tokenizers: list[Tokenizer], lines: list[list[str]]) -> None:
    print("\n| tokenizer | first render CPU ms | second | tokens |\n|---|--:|--:|--:|")
    for tokenizer in tokenizers:
        tokenizer.count("ready")
        taken = []
        for _ in range(2):
            start = time.process_time()
            tree = document(lines, random.Random(1))
            rendered = rendered_within(tree, 4_000, Counting(tokenizer, GENEROUS))
            taken.append((time.process_time() - start) * 1e3)
        print(f"| {tokenizer.name} | {taken[0]:.0f} | {taken[1]:.0f} | {rendered.tokens + rendered.reserved} |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--suffix", default=".py")
    parser.add_argument("--gguf", type=Path)
    parser.add_argument("--tokenizer", type=Path, action="append", default=[])
    arguments = parser.parse_args()
    paths = sorted(file.path for file in survey(arguments.tree).files if file.path.endswith(arguments.suffix))
    texts = [(arguments.tree / path).read_text("utf-8", "replace") for path in paths]
    lines = [text.splitlines(keepends=True) for text in texts if text.count("\n") > 60]
    print(machine(), "\n")
    if arguments.gguf:
        asyncio.run(by_engine(arguments.gguf, lines))
    by_files([TiktokenTokenizer("o200k_base"), *map(HFTokenizer.load, arguments.tokenizer)], lines)


if __name__ == "__main__":
    main()
