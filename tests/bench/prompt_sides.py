"""The renderers that are compared, each in a process of its own: `PYTHON -m tests.bench.prompt_sides SOURCE`.

Reads requests, one JSON object a line, and answers each with what it rendered and what that took. Both renderers get
the same situations, the same priorities and the same tiktoken encoder; each builds its tree in its own way.
"""

import gc
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

from kibitz.prompts.nodes import Node, assistant, lines, reserve, scope, system, user
from kibitz.prompts.order import SteadyOrder, SteadySplit
from kibitz.prompts.session import Renderer
from kibitz.prompts.solve import Mode
from kibitz.prompts.tokens import TiktokenTokenizer
from tests.bench.prompt_inputs import Inputs, Part, Situation

Order = Literal["listed", "stable"]
"""Where what is found stands: with the file and the question, or before the history, since it changes less often."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent: messages of (role, content) or one raw text; its size as the renderer counts it."""

    messages: list[tuple[str, str]] | None
    text: str | None
    tokens: int
    reserved: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A prompt, the processor seconds of building its tree and of rendering it, and the tokens encoded for it."""

    build: float
    render: float
    encoded: int
    prompt: Prompt


class Counted(TiktokenTokenizer):
    """Counts the tokens that it encodes; knows no text at first, the encoder is loaded."""

    def __init__(self) -> None:
        super().__init__("o200k_base")
        self.encoded = 0

    def encode(self, text: str) -> list[int]:
        ids = super().encode(text)
        self.encoded += len(ids)
        return ids


class Side(Protocol):
    """One renderer that may remember what it has rendered."""

    tokenizer: Counted

    def build(self, at: Situation, order: Order) -> Any: ...

    def render(self, tree: Any, at: Situation) -> Prompt: ...


class Ours:
    """Kibitz, with a renderer that remembers. Nodes of what is found and of the history are kept by their values."""

    def __init__(self, mode: Mode, *, steady: bool = False) -> None:
        self.tokenizer = Counted()
        self._renderer = Renderer(self.tokenizer, mode=mode, steady=steady)
        self._steady = steady
        self._order = SteadyOrder()
        self._split = SteadySplit()
        self._nodes: dict[Part, Node] = {}

    def build(self, at: Situation, order: Order) -> Node:
        if not at.question:
            return scope(lines(at.file, at.line_priority, name="file"), reserve(at.reserved))
        found = [self._node(part) for part in (*at.docs, *at.code)]
        history = [self._node(part) for part in at.history]
        file: list[Node] = [lines(at.file, at.line_priority, name="file")]
        if self._steady:
            return self._steadily(at, found, history)
        asked = user(None if order == "stable" else found, file, "\n\n", at.question)
        before = user(found) if order == "stable" else None
        return scope(system(at.instructions), before, history, asked, reserve(at.reserved))

    def _steadily(self, at: Situation, found: list[Node], history: list[Node]) -> Node:
        """Put what changes last: while typing the lines above the cursor, on the way down those below it."""
        texts = at.file.splitlines(keepends=True)
        split = self._split.at(at.cursor, len(texts))
        priorities = [*map(at.line_priority, range(len(texts)))]
        below = lines(texts[split:], priorities[split:], name="below")
        above = lines(texts[:split], priorities[:split], name="above")
        parts: dict[str, tuple[object, Any]] = {
            "found": ((at.docs, at.code), user(found)),
            "history": (at.history, history),
            "above": (texts[:split], user(above)),
            "below": ((texts[split:], at.cursor), user(below)),
        }
        ordered = self._order.arrange(parts)
        return scope(system(at.instructions), ordered, user(at.question), reserve(at.reserved))

    def _node(self, part: Part) -> Node:
        node = self._nodes.get(part)
        if node is None:
            make = {"user": user, "assistant": assistant}.get(part.role)
            inside: Any = make(part.text) if make else part.text
            node = self._nodes[part] = scope(inside, p=part.priority, name="history" if make else "found")
        return node

    def render(self, tree: Any, at: Situation) -> Prompt:
        rendered = self._renderer.render(tree, budget_tokens=at.budget)
        messages = None
        if rendered.messages is not None:
            messages = [(message.role, message.content) for message in rendered.messages]
        return Prompt(messages, rendered.text, rendered.tokens, rendered.reserved)


class Priompt:
    """The Python port of priompt."""

    def __init__(self) -> None:
        import priompt  # type: ignore[import-not-found, unused-ignore]

        self.tokenizer = counted = Counted()
        self._lib: Any = priompt

        class Tokenizer(priompt.O200KTokenizer):  # type: ignore[misc, unused-ignore]
            """The port's own, with an encoder that is at hand: its own would be downloaded."""

            @classmethod
            def encode_tokens(cls, text: str) -> list[int]:
                return counted.encode(text)

            @classmethod
            def num_tokens(cls, text: str) -> int:
                return len(counted.encode(text))

        self._port_tokenizer = Tokenizer()

    def build(self, at: Situation, order: Order) -> Any:
        lib = self._lib
        lines = at.file.splitlines(keepends=True)
        file = [lib.Scope(line, p=at.line_priority(number)) for number, line in enumerate(lines)]
        if not at.question:
            return lib.Scope(*file, lib.Empty(tokens=at.reserved))
        found = [lib.Scope(part.text, p=part.priority) for part in (*at.docs, *at.code)]
        history = [
            (lib.UserMessage if part.role == "user" else lib.AssistantMessage)(part.text, p=part.priority)
            for part in at.history
        ]
        asked = lib.UserMessage(*(() if order == "stable" else found), *file, "\n\n", at.question)
        before = [lib.UserMessage(*found)] if order == "stable" else []
        return lib.Scope(lib.SystemMessage(at.instructions), *before, *history, asked, lib.Empty(tokens=at.reserved))

    def render(self, tree: Any, at: Situation) -> Prompt:
        output = self._lib.render(tree, {"token_limit": at.budget, "tokenizer": self._port_tokenizer})
        prompt, sizes = output["prompt"], (output["token_count"], output["tokens_reserved"])
        if isinstance(prompt, str):
            return Prompt(None, prompt, *sizes)
        return Prompt([(message["role"], message["content"]) for message in prompt["messages"]], None, *sizes)


SIDES: dict[str, Callable[[], Side]] = {
    "strict": partial(Ours, "strict"),
    "pack": partial(Ours, "pack"),
    "steady": partial(Ours, "pack", steady=True),
    "priompt": Priompt,
}


def timed(side: Side, at: Situation, order: Order) -> Answer:
    """Build and render once; nothing is left to collect when the clock starts, and collection stays on."""
    before = side.tokenizer.encoded
    gc.collect()
    began = time.process_time()
    tree = side.build(at, order)
    built = time.process_time()
    prompt = side.render(tree, at)
    rendered = time.process_time()
    return Answer(built - began, rendered - built, side.tokenizer.encoded - before, prompt)


def main() -> None:
    inputs = Inputs(Path(sys.argv[1]))
    print(json.dumps({"digest": inputs.digest()}), flush=True)
    Counted().count("ready")  # reads the ranks, once a process
    sides: dict[str, Side] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        name = asked["side"]
        if asked["fresh"] or name not in sides:
            sides[name] = SIDES[name]()
        answer = timed(sides[name], inputs.at(asked["sequence"], asked["step"]), asked["order"])
        print(json.dumps(asdict(answer)), flush=True)


if __name__ == "__main__":
    main()
