"""How well the time to the first token is foretold, on the embedded model for real.

Prompts of several sizes are made of a tree's code; each is asked for as it is, and again with another end, so that its
beginning is in the engine's cache. Every other one is learned from (`kibitz.prompts.pace`); the table compares what
that foretells with what the others took. Beside it stands the roofline of the same prompt (`kibitz.prompts.speed`),
with the rates that one core of this machine reaches in a product of matrices and in copying memory. On a machine that
others use, the wall clock tells of them: what is learned and compared is the time that the engine, which has one
thread, was computing until its first token. Linux only.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import time
import urllib.request
from collections import defaultdict
from contextlib import aclosing
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is imported

import numpy as np

from kibitz.indexer.workspace import survey
from kibitz.prompts.hardware import MODELS
from kibitz.prompts.pace import Observation, Pace
from kibitz.prompts.speed import Deployment, Device
from kibitz.server.llm.embedded import EmbeddedModel
from kibitz.server.llm.model_store import path_of
from tests.bench.costs import machine

CHARS = (400, 1200, 2800, 5000)
ENDS = 120  # characters of a prompt that are another's when its beginning is in the cache

Kind = tuple[int, bool]
Seen = dict[Kind, list[Observation]]
Walls = dict[Kind, list[float]]


def text_of(tree: Path) -> str:
    """The tree's Python files, one after the other, in an order that is always the same."""
    paths = sorted(file.path for file in survey(tree).files if file.path.endswith(".py"))
    random.Random(1).shuffle(paths)
    return "\n".join((tree / path).read_text("utf-8", "replace") for path in paths)


def this_core() -> Device:
    """What one core computes and copies, in single precision."""
    a = np.ones((1024, 1024), np.float32)
    memory = np.ones(1 << 25, np.float32)
    best = {name: 0.0 for name in ("flops", "bandwidth")}
    for _ in range(5):
        began = time.process_time()
        a @ a
        best["flops"] = max(best["flops"], 2 * 1024**3 / (time.process_time() - began))
        began = time.process_time()
        memory.copy()
        best["bandwidth"] = max(best["bandwidth"], 2 * memory.nbytes / (time.process_time() - began))
    return Device("one core", memory=1e12, **best)


def tokens_of(model: EmbeddedModel, text: str) -> int:
    """How many tokens the engine itself makes of a text."""
    assert model.endpoint is not None
    request = urllib.request.Request(
        model.endpoint.base_url.removesuffix("/v1") + "/tokenize",
        json.dumps({"content": text}).encode(),
        {"Authorization": f"Bearer {model.endpoint.api_key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        tokens: list[Any] = json.load(response)["tokens"]
    return len(tokens)


def computed_s(model: EmbeddedModel) -> float:
    """Seconds that the engine's threads have computed so far."""
    assert model._engine is not None
    threads = Path(f"/proc/{model._engine.pid}/task").iterdir()
    return sum(int((each / "schedstat").read_text().split()[0]) for each in threads) / 1e9


async def first_token_s(model: EmbeddedModel, prompt: str) -> tuple[float, float]:
    """Seconds from the request to the first piece of the answer: computed by the engine, and on the wall clock."""
    await model.start()
    computed, began = computed_s(model), time.perf_counter()
    async with aclosing(model.complete(prompt, max_tokens=1)) as deltas:
        async for _ in deltas:
            return computed_s(model) - computed, time.perf_counter() - began
    raise RuntimeError("the engine said nothing")


async def observe(model: EmbeddedModel, text: str, repeat: int) -> tuple[Seen, Walls]:
    """Ask for prompts of each size, cold and with their beginning in the cache; sizes alternate."""
    chance, seen, walls = random.Random(3), defaultdict(list), defaultdict(list)
    await first_token_s(model, "def f():\n")
    for _ in range(repeat):
        for chars in CHARS:
            start, other = (chance.randrange(len(text) - chars) for _ in range(2))
            cold = text[start : start + chars]
            warm = cold[:-ENDS] + text[other : other + ENDS]
            shared = tokens_of(model, cold[:-ENDS])
            for prompt, kept in ((cold, 0), (warm, shared)):
                seconds, wall_s = await first_token_s(model, prompt)
                seen[chars, bool(kept)].append(Observation(tokens_of(model, prompt), kept, seconds))
                walls[chars, bool(kept)].append(wall_s)
    return seen, walls


def tell(seen: Seen, walls: Walls, made: Deployment) -> None:
    pace = Pace()
    for number in range(0, len(next(iter(seen.values()))), 2):
        for every in seen.values():
            pace = pace.observed(every[number])
    speed = pace.speed()
    assert speed is not None
    print(
        f"learned from {len(pace.observations)}: {1 / speed.token_s:.0f} tokens/s after {speed.start_s * 1000:.0f} ms"
    )
    print("| tokens | of them cached | computed ms | foretold ms | error | roofline ms | wall ms |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    for kind in sorted(seen):
        every, wall = seen[kind][1::2], statistics.median(walls[kind][1::2])
        taken = statistics.median(each.seconds for each in every)
        told = statistics.median(speed.seconds(each.tokens, each.shared) for each in every)
        error = statistics.median(abs(speed.seconds(each.tokens, each.shared) / each.seconds - 1) for each in every)
        roof = statistics.median(made.prefill(each.new, each.shared).seconds for each in every)
        size, kept = (statistics.median(getattr(each, name) for each in every) for name in ("tokens", "shared"))
        times = f"{taken * 1000:.0f} | {told * 1000:.0f} | {error:.0%} | {roof * 1000:.0f} | {wall * 1000:.0f}"
        print(f"| {size:.0f} | {kept:.0f} | {times} |")
    for target_s in (0.3, 1.0, 3.0, 10.0):
        most = [speed.affordable(target_s, kept) for kept in (0, 1000)]
        print(f"within {target_s:g} s: a prompt of {most[0]:.0f} tokens, of {most[1]:.0f} where 1,000 are cached")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="where `kibitz model add smollm2` has put the model")
    parser.add_argument("--repeat", type=int, default=8)
    args = parser.parse_args()
    gguf = path_of("smollm2", args.data)
    made = Deployment(MODELS["smollm2-135m"], this_core(), weight_bits=8 * gguf.stat().st_size / 134_515_008)
    model = EmbeddedModel(gguf)
    try:
        seen, walls = await observe(model, text_of(args.tree), args.repeat)
    finally:
        await model.close()
    rates = f"{made.device.flops / 1e9:.0f} GFLOPS, {made.device.bandwidth / 1e9:.1f} GB/s a core"
    print(f"{machine()}\n{rates}; {args.repeat} prompts of a kind\n")
    tell(seen, walls, made)


if __name__ == "__main__":
    asyncio.run(main())
