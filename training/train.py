"""Train the table of token vectors by contrasting documentation with code, and save it for run time.

    python training/train.py [--start EARLIER.npz] [--cache training/cache] [--steps 500] [--out static.npz]

InfoNCE over batches (van den Oord et al. 2018), most of them filled with one package after another, so that what a
query must be told from is code of the same project. One thread: about a tenth of a CPU-second a step.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from evaluate import held_out_sets, mean_reciprocal_ranks
from fetch import HERE
from torch import Tensor
from torch.nn import functional

from kibitz.indexer.embed import static
from kibitz.indexer.embed.static import DIM, StaticEmbedder, Weights
from kibitz.indexer.embed.wordpiece import CONTINUES, WordPiece

BATCH = 1024
PACKAGE_BATCHES = 0.8
MIX = {"doc": 0.85, "name": 0.05, "path": 0.10}
SENTENCE_SHARE = 0.65
QUESTION_SHARE = 0.3
PLACE_SHARE, PLACE_WEIGHTS = 0.7, (0.3, 0.7)
NAME_SHARE, NAME_WEIGHTS = 0.7, (0.3, 1.0)
QUERY_DROPOUT, CODE_DROPOUT = 0.15, 0.4
RATE, WARM_UP, LAST_RATE = 2e-3, 50, 0.02
TEMPERATURE, MAX_TEMPERATURE = 17.0, 30.0

QUESTIONS = (
    "how does {} work", "where is {} implemented", "how is {} done", "where does the code {}", "what handles {}",
    "which function {}", "find the code that {}", "{} implementation", "how do I {}", "class responsible for {}",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bag:
    """Token numbers, their weights, and where each text begins."""

    tokens: Tensor
    weights: Tensor
    starts: Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """Questions, the code that answers them one by one, and what is mixed into the code's vectors, each by a weight."""

    query: Bag
    code: Bag
    mixed: tuple[tuple[Bag, float], ...] = ()


class Corpus:
    """The arrays that prepare.py wrote, and batches of them."""

    def __init__(self, cache: Path, seed: int) -> None:
        with np.load(cache / "tokens.npz") as data:
            self.arrays = {key: data[key] for key in data.files}
        self.random = np.random.default_rng(seed)
        self.documented = np.flatnonzero(self.arrays["documented"])
        self.named = np.arange(len(self.arrays["package"]))
        pieces = WordPiece((cache / "vocabulary.txt").read_text(encoding="utf-8").split("\n"))
        self.questions = [np.array(list(pieces.count(text.replace("{}", " ")))) for text in QUESTIONS]

    def bag(self, name: str, rows: np.ndarray, dropout: float = 0.0, questions: float = 0.0) -> Bag:
        """The texts `rows` of one kind, with some tokens dropped and some questions put around them."""
        starts = self.arrays[f"{name}_starts"]
        sizes = starts[rows + 1] - starts[rows]
        first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        at = np.arange(sizes.sum()) - np.repeat(first - starts[rows], sizes)
        tokens = self.arrays[f"{name}_tokens"][at].astype(np.int64)
        weights = 1 + np.log(self.arrays[f"{name}_counts"][at].astype(np.float32))
        if dropout:
            weights *= (self.random.random(len(weights)) >= dropout).astype(np.float32)
        if questions:
            asked = np.flatnonzero(self.random.random(len(rows)) < questions)
            extra = [self.questions[i] for i in self.random.integers(len(self.questions), size=len(asked))]
            where = np.repeat(first[asked], [len(one) for one in extra])
            tokens = np.insert(tokens, where, np.concatenate(extra))
            weights = np.insert(weights, where, 1.0)
            added = np.zeros(len(rows), np.int64)
            added[asked] = [len(one) for one in extra]
            first = first + np.cumsum(added) - added
        return Bag(*map(torch.from_numpy, (tokens, weights.astype(np.float32), first)))

    def rows(self, of: np.ndarray, package: np.ndarray) -> Iterator[np.ndarray]:
        """Endless batches of `of`: most through one package after another, the others from anywhere."""
        while True:
            order = self.random.permutation(len(package))
            place = self.random.permutation(package.max() + 1)[package]
            through = of[order][np.argsort(place[order], kind="stable")]
            through = np.roll(through, self.random.integers(len(through)))
            anywhere = self.random.permutation(of)
            starts = self.random.permutation(np.arange(0, len(of) - BATCH + 1, BATCH))
            for start in starts:
                source = through if self.random.random() < PACKAGE_BATCHES else anywhere
                yield source[start : start + BATCH]

    def batches(self) -> Iterator[Batch]:
        """Endless batches."""
        arrays = self.arrays
        streams = {
            "doc": self.rows(self.documented, arrays["package"][self.documented]),
            "name": self.rows(self.named, arrays["package"]),
            "path": self.rows(np.arange(len(arrays["chunk_file"])), arrays["file_package"][arrays["chunk_file"]]),
        }
        while True:
            kind = str(self.random.choice(list(MIX), p=list(MIX.values())))
            rows = next(streams[kind])
            if kind == "path":
                query = self.bag("path", arrays["chunk_file"][rows], QUERY_DROPOUT)
                yield Batch(query, self.bag("chunk", rows, CODE_DROPOUT))
                continue
            text = "name" if kind == "name" else "sentence"
            if text == "sentence" and self.random.random() > SENTENCE_SHARE:
                text = "paragraph"
            query = self.bag(text, rows, QUERY_DROPOUT, QUESTION_SHARE)
            mixed = self._mixed(rows) if kind == "doc" else ()
            yield Batch(query, self.bag("code", rows, CODE_DROPOUT), mixed)

    def _mixed(self, rows: np.ndarray) -> tuple[tuple[Bag, float], ...]:
        """Paths and names as run time mixes them into the vectors of chunks, mostly."""
        kinds = (("place", PLACE_SHARE, PLACE_WEIGHTS), ("symbol", NAME_SHARE, NAME_WEIGHTS))
        return tuple(
            (self.bag(name, rows), self.random.uniform(*weights))
            for name, share, weights in kinds
            if self.random.random() < share
        )

    def idf(self) -> np.ndarray:
        """How rare each token is among the definitions' code, at most 1."""
        tokens = self.arrays["code_tokens"]
        seen = np.bincount(tokens, minlength=int(tokens.max()) + 1)
        idf = np.log(len(self.arrays["package"]) / (1 + seen))
        return np.clip(idf / idf.max(), 0.02, 1.0).astype(np.float32)


class Table(torch.nn.Module):
    """One vector a token, how much each counts in a query, and the temperature.

    Rows begin as a random projection scaled by idf.
    """

    def __init__(self, idf: np.ndarray, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        rows = torch.randn(len(idf), DIM, generator=generator) / DIM**0.5
        self.rows = torch.nn.Parameter(rows * torch.from_numpy(idf)[:, None])
        self.query = torch.nn.Parameter(torch.zeros(len(idf)))
        self.temperature = torch.nn.Parameter(torch.tensor(TEMPERATURE).log())

    @torch.no_grad()
    def begin_with(self, path: Path, vocabulary: list[str]) -> None:
        """Make the vectors that another table makes: a token that it has not got is the sum of its pieces there."""
        weights = Weights.load(path)
        with np.load(path) as data:
            known = data["vocabulary"].tobytes().decode("utf-8").split("\n")
        number = {token: i for i, token in enumerate(known)}
        old = torch.from_numpy(weights.table * weights.scale[:, None])
        for row, token in enumerate(vocabulary):
            pieces = pieces_of(token, number)
            if pieces:
                self.rows[row] = old[pieces].sum(dim=0)
                self.query[row] = torch.from_numpy(weights.query[pieces]).clamp(min=1e-3).log().mean()

    def embed(self, bag: Bag, query: bool = False) -> Tensor:
        """Unit vectors of a batch of texts."""
        weights = bag.weights * self.query.exp()[bag.tokens] if query else bag.weights
        total = functional.embedding_bag(bag.tokens, self.rows, bag.starts, mode="sum", per_sample_weights=weights)
        return functional.normalize(total, dim=1, eps=1e-6)

    def loss(self, batch: Batch) -> Tensor:
        """Symmetric InfoNCE of a batch."""
        codes = self.embed(batch.code)
        if batch.mixed:
            parts = [weight * self.embed(bag) for bag, weight in batch.mixed]
            codes = functional.normalize(torch.stack([codes, *parts]).sum(dim=0), dim=1, eps=1e-6)
        scale = self.temperature.exp().clamp(max=MAX_TEMPERATURE)
        scores = scale * self.embed(batch.query, query=True) @ codes.T
        target = torch.arange(len(scores))
        return (functional.cross_entropy(scores, target) + functional.cross_entropy(scores.T, target)) / 2


def pieces_of(token: str, number: dict[str, int]) -> list[int]:
    """A token cut greedily into those of another vocabulary; none where a character of it is missing there."""
    found: list[int] = []
    begins, rest = (CONTINUES, token.removeprefix(CONTINUES)) if token.startswith(CONTINUES) else ("", token)
    while rest:
        size = next((n for n in range(len(rest), 0, -1) if begins + rest[:n] in number), 0)
        if not size:
            return []
        found.append(number[begins + rest[:size]])
        begins, rest = CONTINUES, rest[size:]
    return found


def save(table: Table, vocabulary: list[str], path: Path) -> None:
    """Write what run time reads: int8 rows with a scale each, query weights, the vocabulary."""
    rows = table.rows.detach().numpy()
    scale = np.maximum(np.abs(rows).max(axis=1), 1e-8) / 127
    np.savez(
        path,
        table=np.round(rows / scale[:, None]).astype(np.int8),
        scale=scale.astype(np.float16),
        query=table.query.detach().exp().numpy().astype(np.float16),
        vocabulary=np.frombuffer("\n".join(vocabulary).encode("utf-8"), np.uint8),
    )


def rate(step: int, steps: int) -> float:
    """The learning rate's factor: a warm-up, then a cosine down to LAST_RATE."""
    if step < WARM_UP:
        return (step + 1) / WARM_UP
    done = (step - WARM_UP) / max(1, steps - WARM_UP)
    return LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + float(np.cos(np.pi * done)))


def main() -> None:
    """Train, check on the held-out packages now and then, and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=HERE / "cache")
    parser.add_argument("--start", type=Path, help="weights of an earlier table to begin with")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check-every", type=int, default=250)
    parser.add_argument("--out", type=Path, default=HERE.parent / "indexer" / "embed" / "static.npz")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    vocabulary = (args.cache / "vocabulary.txt").read_text(encoding="utf-8").split("\n")
    corpus = Corpus(args.cache, args.seed)
    idf = np.ones(len(vocabulary), np.float32)
    known = corpus.idf()
    idf[: len(known)] = known
    table = Table(idf, args.seed)
    if args.start:
        table.begin_with(args.start, vocabulary)
    optimiser = torch.optim.Adam(table.parameters(), lr=RATE, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate(step, args.steps))
    sets = held_out_sets(args.cache)
    began, losses = time.process_time(), []
    for step, batch in zip(range(1, args.steps + 1), corpus.batches(), strict=False):
        loss = table.loss(batch)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
        if step % args.check_every == 0 or step == args.steps:
            save(table, vocabulary, args.out)
            static._read.cache_clear()  # it remembers the weights of the step before by their path
            ranks = mean_reciprocal_ranks(StaticEmbedder(args.out), sets)
            print(
                f"step {step}: loss {np.mean(losses[-100:]):.3f}, held-out MRR@10 {np.mean(list(ranks.values())):.4f}, "
                f"temperature {table.temperature.exp().item():.1f}, {time.process_time() - began:.0f} CPU-s",
                flush=True,
            )


if __name__ == "__main__":
    main()
