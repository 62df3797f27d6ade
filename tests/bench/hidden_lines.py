"""How likely a model finds the line that was written, with and without context, and how often it writes just that.

At places of `hidden_names.py` the embedded model is asked for the hidden line, by prompts of --budget tokens as plain
text: the lines above the cursor alone, as ghost text has it with a model this small; and the same below excerpts:
windows of recent files, or what ghost text is given with a larger model. The log-probability of the line's tokens is
read one after the other from the engine's raw logits. "Exact" is greedy decoding, cleaned by the filters of ghost text,
whose first line is the hidden one.

`python -m tests.bench.hidden_lines FOLDER_OF_CHECKOUTS --gguf MODEL --places 3`
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kibitz.indexer.embed.static import load_static
from kibitz.indexer.index import update
from kibitz.indexer.search import Searcher
from kibitz.prompts.templates.context import ContextItem
from kibitz.server.completion.filters import clean
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.llm.embedded import EmbeddedModel
from tests.bench.costs import machine
from tests.bench.gathered import OURS, PEER, Tree, sides
from tests.bench.hidden_names import draw, texts_of
from tests.bench.significance import paired

NOTHING = "document"
COMPARED = (NOTHING, PEER, OURS)
LEAST_TREES = 5  # for an interval over trees
MOST_TOKENS = 48  # that are written
CONTEXT_TOKENS = 4096
CERTAIN = 1e6  # added to a token's logit to have it written; the probability that is told is of the logits before


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
        """The logarithm of the probability that these tokens follow the prompt."""
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


def prompt_of(engine: Engine, at: Snapshot, items: Sequence[ContextItem], budget: int) -> list[int]:
    """Excerpts under their paths, as many as half of the budget holds, then the lines above the cursor."""
    above: list[int] = []
    for item in items:
        part = engine.tokens(f"# {item.path}\n{item.text.rstrip()}\n\n")
        if len(above) + len(part) <= budget // 2:
            above += part
    head = engine.tokens(f"# {at.path}\n") if above else []
    rest = engine.tokens(at.prefix.removesuffix(" "))  # a blank belongs to the token that follows
    return [*above, *head, *rest[-(budget - len(above) - len(head)) :]]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", type=Path, help="a folder of git checkouts")
    parser.add_argument("--places", type=int, default=3, help="of each tree")
    parser.add_argument("--budget", type=int, default=1024)
    parser.add_argument("--gguf", type=Path, required=True)
    args = parser.parse_args()
    model = EmbeddedModel(args.gguf, threads=2, context_tokens=CONTEXT_TOKENS)
    await model.start()
    assert model.endpoint is not None
    engine = Engine(model.endpoint.base_url, model.endpoint.api_key or "")
    scores = Scores()
    try:
        with tempfile.TemporaryDirectory() as cache:
            for root in sorted(args.trees.iterdir()):
                update(root, cache_dir=Path(cache), embedder=load_static())
                searcher = Searcher.open(root, cache_dir=Path(cache), embedder=load_static())
                await asyncio.to_thread(_measure, engine, Tree(root, searcher, texts_of(root)), args, scores)
                print(f"\nup to {root.name}:", flush=True)
                _report(scores)
    finally:
        await model.close()


@dataclass
class Scores:
    """By side and tree: log-probability a token, and whether the line was written exactly."""

    likely: dict[str, dict[str, list[float]]] = field(default_factory=lambda: {name: {} for name in COMPARED})
    exact: dict[str, dict[str, list[float]]] = field(default_factory=lambda: {name: {} for name in COMPARED})
    characters: int = 0


def _measure(engine: Engine, tree: Tree, args: argparse.Namespace, scores: Scores) -> None:
    compared = sides({"first": [], "again": []}, ablate=False)
    for place in draw(tree.root, tree.texts, args.places):
        at, line = place.at(tree.texts[place.path])
        tokens = engine.tokens((" " if at.prefix.endswith(" ") else "") + line + "\n")
        scores.characters += len(line)
        for name in COMPARED:
            context = compared[name](tree, place, at)
            items = [*(each.item for each in context.definitions), *context.items]
            prompt = prompt_of(engine, at, items, args.budget)
            found = engine.log_probability(prompt, tokens) / len(tokens)
            scores.likely[name].setdefault(tree.root.name, []).append(found)
            shown = clean(engine.written(prompt).removeprefix(" "), at)
            is_exact = shown.split("\n")[0].strip() == line
            scores.exact[name].setdefault(tree.root.name, []).append(float(is_exact))


def _report(scores: Scores) -> None:
    count = sum(map(len, scores.likely[NOTHING].values()))
    print(f"\n{machine()}; {count} places, {scores.characters / count:.0f} characters a line\n")
    print("| context | log-probability a token | against the document alone | exact | against it |")
    print("|---|---|---|---|---|")
    for name in COMPARED:
        row = []
        for by in (scores.likely, scores.exact):
            every = [one for each in by[name].values() for one in each]
            row += [f"{statistics.mean(every):.3f}", _difference(by[name], by[NOTHING])]
        print(f"| {name} | {' | '.join(row)} |", flush=True)


def _difference(ours: dict[str, list[float]], theirs: dict[str, list[float]]) -> str:
    if len(theirs) < LEAST_TREES:
        return "-"
    found = paired(ours, theirs)
    return f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


if __name__ == "__main__":
    asyncio.run(main())
