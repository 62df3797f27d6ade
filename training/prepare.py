"""Turn the mined text into arrays of tokens: a vocabulary, then counted tokens of every text.

    python training/prepare.py [--cache training/cache] [--tokens 50000]

Writes vocabulary.txt and tokens.npz into the cache. Uses the tokens of
kibitz.indexer.embed.wordpiece, those of run time.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from fetch import HERE
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from kibitz.indexer.embed.wordpiece import CONTINUES, IDENTIFIER, MAX_WORD_CHARS, WordPiece, split_identifier

MIN_FREQUENCY = 6
MAX_WORD_KINDS = 600_000
PATH_PARTS = 4
MAX_QUERY_USES = 2


@dataclass(slots=True)
class Bags:
    """Texts as bags of tokens, one after another in flat arrays."""

    tokens: list[np.ndarray] = field(default_factory=list)
    counts: list[np.ndarray] = field(default_factory=list)

    def add(self, pieces: WordPiece, text: str) -> None:
        """Append one text."""
        counted = pieces.count(text)
        self.tokens.append(np.fromiter(counted, np.uint16, len(counted)))
        self.counts.append(np.minimum(np.fromiter(counted.values(), np.int64, len(counted)), 255).astype(np.uint8))

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Arrays to be saved: tokens, counts and where each text begins."""
        sizes = [len(one) for one in self.tokens]
        return {
            f"{name}_tokens": np.concatenate(self.tokens),
            f"{name}_counts": np.concatenate(self.counts),
            f"{name}_starts": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        }


def read_lines(path: Path) -> Iterator[dict]:
    """The objects of a JSON Lines file."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def tail(path: str) -> str:
    """The last parts of a path: what run time embeds of it."""
    return "/".join(path.split("/")[-PATH_PARTS:])


def make_vocabulary(texts: Iterable[str], size: int) -> list[str]:
    """Learn WordPiece tokens from words counted beforehand (much faster than from running text)."""
    identifiers: Counter[str] = Counter()
    for text in texts:
        identifiers.update(IDENTIFIER.findall(text))
    counted: Counter[str] = Counter()
    for identifier, times in identifiers.items():
        for word in split_identifier(identifier):
            counted[word] += times
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=MAX_WORD_CHARS))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, min_frequency=MIN_FREQUENCY, limit_alphabet=48, continuing_subword_prefix=CONTINUES
    )
    common = [(word, n) for word, n in counted.most_common(MAX_WORD_KINDS) if len(word) <= MAX_WORD_CHARS]
    # The trainer counts words itself; the square root keeps the frequent ones from costing all the time.
    repeated = (" ".join([word] * max(1, min(n, int(4 * n**0.5)))) for word, n in common if n >= MIN_FREQUENCY)
    tokenizer.train_from_iterator(repeated, trainer)
    by_number = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    return [token for token, _ in by_number if re.sub(f"^{CONTINUES}", "", token)]


def definition_arrays(rows: Iterable[dict], pieces: WordPiece) -> dict[str, np.ndarray]:
    """Sentence, paragraph, code, place (path), symbol and name of every definition, and the number of its package."""
    bags = {name: Bags() for name in ("sentence", "paragraph", "code", "place", "symbol", "name")}
    packages: dict[str, int] = {}
    package, documented = [], []
    uses: Counter[str] = Counter()
    for row in rows:
        uses[row["sentence"]] += 1
        has_doc = bool(row["sentence"]) and uses[row["sentence"]] <= MAX_QUERY_USES
        bags["sentence"].add(pieces, row["sentence"] if has_doc else "")
        bags["paragraph"].add(pieces, row["paragraph"] if has_doc else "")
        bags["code"].add(pieces, row["code"])
        bags["place"].add(pieces, tail(row["path"]))
        bags["symbol"].add(pieces, row["symbol"])
        bags["name"].add(pieces, row["symbol"].split(".")[-1])
        package.append(packages.setdefault(row["package"], len(packages)))
        documented.append(has_doc)
    arrays = {key: value for name, bag in bags.items() for key, value in bag.arrays(name).items()}
    return arrays | {"package": np.array(package, np.int32), "documented": np.array(documented)}


def file_arrays(rows: Iterable[dict], pieces: WordPiece) -> dict[str, np.ndarray]:
    """Path and chunks of every file, which chunk is of which file, and which file of which package."""
    packages: dict[str, int] = {}
    paths, chunks = Bags(), Bags()
    chunk_file, file_package = [], []
    for number, row in enumerate(rows):
        paths.add(pieces, tail(row["path"]))
        file_package.append(packages.setdefault(row["package"], len(packages)))
        for chunk in row["chunks"]:
            chunks.add(pieces, chunk)
            chunk_file.append(number)
    numbers = {"chunk_file": np.array(chunk_file, np.int32), "file_package": np.array(file_package, np.int32)}
    return paths.arrays("path") | chunks.arrays("chunk") | numbers


def trained_on(path: Path) -> Iterator[dict]:
    """The objects that are not of held-out packages."""
    return (row for row in read_lines(path) if not row["held_out"])


def _arrays(job: tuple[Path, list[str], str]) -> dict[str, np.ndarray]:
    cache, vocabulary, name = job
    make = definition_arrays if name == "definitions.jsonl" else file_arrays
    return make(trained_on(cache / name), WordPiece(vocabulary))


def main() -> None:
    """Prepare all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=HERE / "cache")
    parser.add_argument("--tokens", type=int, default=50_000)
    args = parser.parse_args()
    cache: Path = args.cache

    texts = (f"{row['paragraph']} {row['code']} {tail(row['path'])}" for row in trained_on(cache / "definitions.jsonl"))
    vocabulary = make_vocabulary(texts, args.tokens)
    (cache / "vocabulary.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    with Pool(2) as pool:
        made = pool.map(_arrays, [(cache, vocabulary, name) for name in ("definitions.jsonl", "files.jsonl")])
    arrays = made[0] | made[1]
    np.savez(cache / "tokens.npz", **arrays)
    documented = arrays["documented"]
    print(f"{len(vocabulary)} tokens, {len(arrays['chunk_file'])} chunks, ", end="")
    print(f"{documented.sum()} documented of {len(documented)} definitions")


if __name__ == "__main__":
    main()
