"""How likely a model finds the line that was written, with and without context, and how often it writes just that.

`python -m tests.bench.hidden_lines FOLDER_OF_CHECKOUTS --gguf MODEL --cache FOLDER` asks the embedded model for the
hidden lines of `context.py`'s places. It continues plain text: a prompt is a code block with the lines above the cursor
alone, as ghost text has it with a model that cannot fill in the middle ("document"), or with excerpts before them, each
below its path, in half of the room at most: those of `context.py`'s other sides. The log-probability of the line's
tokens, its end among them, is of the raw logits. "Exact" is greedy decoding, cleaned as ghost text is, of which the
first line is the hidden one.
"""

import argparse
import asyncio
import json
import statistics
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from kibitz.prompts.templates.context import Context
from kibitz.server.completion.filters import clean
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.llm.embedded import EmbeddedModel
from tests.bench.context_sides import SIDES, Tree
from tests.bench.costs import machine
from tests.bench.hidden_names import draw
from tests.bench.significance import paired

ALONE = "document"
COMPARED = (ALONE, "windows", "gathered")
MOST_TOKENS = 48  # that are written
CUT = 7  # an eighth of an excerpt that is too long is left out at a time
ROOM = 1024  # for the line: tokens beyond a prompt
CERTAIN = 1e6  # added to a token's logit to have it written; the probability that is told is of the logits before


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model makes of a place: the log-probability of the line, its length, and whether it wrote just that."""

    log_probability: float
    tokens: int
    characters: int
    exact: bool


class Engine:
    """The embedded engine's own interface, which tells probabilities."""

    def __init__(self, url: str, key: str) -> None:
        self._root, self._key = url.removesuffix("/v1"), key

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        request = urllib.request.Request(self._root + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def tokens(self, text: str) -> list[int]:
        """The tokens of a text, nothing added."""
        found: list[int] = self._post("/tokenize", {"content": text})["tokens"]
        return found

    def log_probability(self, prompt: Sequence[int], line: Sequence[int]) -> float:
        """The logarithm of the probability that these tokens follow the prompt.

        Raises:
            RuntimeError: the engine writes another token than it is made to write.
        """
        total = 0.0
        for at, token in enumerate(line):
            body = {
                "prompt": [*prompt, *line[:at]],
                "n_predict": 1,
                "logit_bias": [[token, CERTAIN]],
                "n_probs": 1,
                "cache_prompt": True,
            }
            (told,) = self._post("/completion", body)["completion_probabilities"]
            if told["id"] != token:
                raise RuntimeError("the engine wrote another token than it was told to")
            total += told["logprob"]
        return total

    def written(self, prompt: Sequence[int]) -> str:
        """What the model writes, the likeliest token each time."""
        body = {
            "prompt": list(prompt),
            "n_predict": MOST_TOKENS,
            "temperature": 0.0,
            "cache_prompt": True,
            "stop": ["\n"],
        }
        text: str = self._post("/completion", body)["content"]
        return text


def plain_prompt(at: Snapshot, context: Context, budget: int, tokens: Callable[[str], list[int]]) -> list[int]:
    """Return the tokens of a code block: as many excerpts as half of a budget holds, then the lines above the cursor.

    An excerpt is cut to what is left of that; the first stands last. One blank before the cursor belongs to the token
    that follows.
    """
    excerpts: list[list[int]] = []
    room = budget // 2
    for item in [*(each.item for each in context.definitions), *context.items]:
        rows = [f"# {item.path}", *item.text.rstrip().split("\n")]
        while len(rows) > 1 and len(part := tokens("\n".join([*rows, "", ""]))) > room:
            rows = rows[: len(rows) * CUT // (CUT + 1)]
        if len(rows) > 1:
            excerpts.insert(0, part)
            room -= len(part)
    head = tokens(f"```{at.language}\n") + [token for part in excerpts for token in part]
    if excerpts:
        head += tokens(f"# {at.path}\n")
    return head + tokens(at.prefix.removesuffix(" "))[-(budget - len(head)) :]


def ask(engine: Engine, at: Snapshot, line: str, prompt: Sequence[int]) -> Answer:
    """Ask for a line, without the blank before it that the prompt leaves out."""
    blank = " " if at.prefix.endswith(" ") else ""
    tokens = engine.tokens(f"{blank}{line}\n")
    likely = engine.log_probability(prompt, tokens)
    shown = clean(engine.written(prompt).removeprefix(blank), at)
    return Answer(likely, len(tokens), len(line), shown.split("\n")[0].strip() == line)


async def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", type=Path, help="a folder of git checkouts")
    parser.add_argument("--places", type=int, default=5, help="of each tree")
    parser.add_argument("--only", nargs="*", default=(), help="names of trees")
    parser.add_argument("--draw", default=" judged", help="which places")
    parser.add_argument("--budget", type=int, default=640, help="tokens of a prompt")
    parser.add_argument("--cache", type=Path, required=True, help="a folder for the indices")
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    model = EmbeddedModel(args.gguf, threads=args.threads, context_tokens=args.budget + ROOM)
    await model.start()
    assert model.endpoint is not None
    engine = Engine(model.endpoint.base_url, model.endpoint.api_key or "")
    found: dict[str, list[Answer]] = {name: [] for name in COMPARED}
    roots = sorted(one for one in args.trees.iterdir() if not args.only or one.name in args.only)
    trees = [Tree.opened(root, args.cache) for root in roots]
    drawn = [[(tree, place) for place in draw(tree.root, tree.texts, args.places, args.draw)] for tree in trees]
    try:
        for tree, place in (one for turn in zip_longest(*drawn) for one in turn if one is not None):
            at, line = place.at(tree.texts[place.path])
            if not line.isascii():  # the engine tells no probability of a part of a character
                continue
            prompts = [plain_prompt(at, SIDES[name](tree, place, at), args.budget, engine.tokens) for name in COMPARED]
            answers = [await asyncio.to_thread(ask, engine, at, line, prompt) for prompt in prompts]
            for name, answer in zip(COMPARED, answers, strict=True):
                found[name].append(answer)
    finally:  # an interrupted run has measured something, too: one place of each tree after the other
        await model.close()
        report(found)


def report(found: Mapping[str, Sequence[Answer]]) -> None:
    """Print the means over places, and differences with intervals of a bootstrap over places."""
    alone = found[ALONE]
    characters = statistics.fmean(one.characters for one in alone)
    print(f"{machine()}; {len(alone)} places, {characters:.0f} characters a line\n")
    print("| context | log-probability a token | to none | a character | exact | to none |\n|---|--:|---|--:|--:|---|")
    for name, answers in found.items():
        a_character = sum(one.log_probability for one in answers) / sum(one.characters for one in answers)
        print(
            f"| {name} | {statistics.fmean(map(_a_token, answers)):.3f} | {_difference(answers, alone, _a_token)} "
            f"| {a_character:.3f} | {statistics.fmean(map(_exact, answers)):.3f} "
            f"| {_difference(answers, alone, _exact)} |"
        )


def _a_token(one: Answer) -> float:
    return one.log_probability / one.tokens


def _exact(one: Answer) -> float:
    return float(one.exact)


def _difference(ours: Sequence[Answer], theirs: Sequence[Answer], score: Callable[[Answer], float]) -> str:
    if ours is theirs:
        return ""
    found = paired(*({f"{at:06}": [score(one)] for at, one in enumerate(side)} for side in (ours, theirs)))
    return f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


if __name__ == "__main__":
    asyncio.run(main())
