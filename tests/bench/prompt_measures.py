"""What is measured of rendered prompts: their token ids, the prefix that two share, the share of a budget in use."""

import json
import statistics
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from kibitz.prompts.tokens import TiktokenTokenizer
from tests.bench.costs import ROOT
from tests.bench.prompt_inputs import Inputs
from tests.bench.prompt_sides import Answer, Prompt

# Ids of their own for what a chat format puts round a message: its start, its role, what ends the role, its end.
_START, _ROLE_END, _END = -1, -2, -3
_ROLES = {"system": -4, "user": -5, "assistant": -6}


def ids(prompt: Prompt, encode: Callable[[str], list[int]]) -> list[int]:
    """The token ids that are sent: four round a message, three that open the answer, none round a raw text."""
    if prompt.messages is None:
        return encode(prompt.text or "")
    sent: list[int] = []
    for role, content in prompt.messages:
        sent += [_START, _ROLES[role], _ROLE_END, *encode(content), _END]
    return [*sent, _START, _ROLES["assistant"], _ROLE_END]


def shared_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two prompts have in common before the first that differs."""
    shared = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        shared += 1
    return shared


@dataclass(frozen=True, slots=True)
class Reuse:
    """Of a sequence of prompts: shares of each that its forerunner began with, and all tokens beyond those."""

    mean: float
    median: float
    recomputed: int


def reuse(prompts: Sequence[Sequence[int]]) -> Reuse:
    """Compare each prompt but the first with the one before it."""
    pairs = [(shared_prefix(before, after), len(after)) for before, after in pairwise(prompts)]
    shares = [shared / size for shared, size in pairs]
    return Reuse(statistics.mean(shares), statistics.median(shares), sum(size - shared for shared, size in pairs))


def use(prompt: Prompt, budget: int) -> float:
    """The share of a budget that the prompt and the room for its answer take."""
    return (prompt.tokens + prompt.reserved) / budget


def characters(prompt: Prompt) -> int:
    """The characters of all contents."""
    return len(prompt.text or "") + sum(len(content) for _, content in prompt.messages or ())


def faults(prompt: Prompt, sent: Sequence[int], budget: int) -> list[str]:
    """What is wrong with a prompt's size: it is over the budget, or not what the renderer says."""
    found = []
    if len(sent) + prompt.reserved > budget:
        found.append(f"{len(sent)} tokens and {prompt.reserved} reserved are over the budget of {budget}")
    if len(sent) != prompt.tokens:
        found.append(f"{len(sent)} tokens are sent, {prompt.tokens} were counted")
    return found


class Renderers:
    """The sides' processes; every prompt that they give is encoded anew and its size checked."""

    def __init__(self, inputs: Inputs, ours: "subprocess.Popen[str]", theirs: "subprocess.Popen[str]") -> None:
        self.inputs = inputs
        self._processes = {"ours": ours, "theirs": theirs}
        self._encode = TiktokenTokenizer("o200k_base").encode
        self.checked = {"ours": 0, "theirs": 0}
        self.faults: list[str] = []
        for process in (ours, theirs):
            if _read(process)["digest"] != inputs.digest():
                raise RuntimeError("the sides did not draw the same inputs")

    def ask(self, side: str, sequence: str, step: int, *, fresh: bool, order: str) -> tuple[Answer, list[int]]:
        """One build and one rendering; `fresh` forgets all before it. Also the ids that are sent.

        Raises:
            RuntimeError: a side failed, or one of our prompts is over its budget or not of the size that it says.
        """
        whose = "theirs" if side == "priompt" else "ours"
        process = self._processes[whose]
        asked = {"side": side, "sequence": sequence, "step": step, "fresh": fresh, "order": order}
        assert process.stdin
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        told = _read(process)
        answer = Answer(told["build"], told["render"], told["encoded"], Prompt(**told["prompt"]))
        sent = ids(answer.prompt, self._encode)
        self.checked[whose] += 1
        for fault in faults(answer.prompt, sent, self.inputs.at(sequence, step).budget):
            if whose == "ours":
                raise RuntimeError(f"{side}, {sequence}, step {step}: {fault}")
            self.faults.append(fault)
        return answer, sent


def _read(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args!r} ended")
    told: dict[str, Any] = json.loads(line)
    return told


@contextmanager
def renderers(source: Path, ours: str, theirs: str) -> Iterator[Renderers]:
    """Start each side with its own interpreter, and end both."""
    inputs = Inputs(source)
    with _started(ours, source) as first, _started(theirs, source) as second:
        yield Renderers(inputs, first, second)


@contextmanager
def _started(python: str, source: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [python, "-m", "tests.bench.prompt_sides", str(source)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        if process.stdin:
            process.stdin.close()
