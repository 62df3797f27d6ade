"""Make a workspace of a certain size of another tree's files: `python -m tests.bench.sample SOURCE TARGET --files N`.

Files are taken in an order that is the same everywhere and mixes the folders. With --chunks the workspace has about so
many (within 2 %): it is indexed on the way, into a folder that is thrown away, to see how many its files have.
"""

import argparse
import random
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from kibitz.indexer.embed.static import load_static
from kibitz.indexer.index import update
from kibitz.indexer.workspace import survey

_CLOSE = 0.02
_FIRST_FILES = 200


def mixed(source: Path) -> list[str]:
    """The paths of the files that Kibitz would index, in an order that mixes them."""
    paths = sorted(file.path for file in survey(source).files)
    random.Random(1).shuffle(paths)
    return paths


def copy(source: Path, target: Path, paths: Sequence[str]) -> None:
    """Copy these files, with their times."""
    for path in paths:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / path, target / path)


def with_chunks(source: Path, target: Path, chunks: int) -> int:
    """Copy as many files as have about so many chunks, or all; the chunks that they have."""
    paths, embedder = mixed(source), load_static()
    have, wanted, found = 0, _FIRST_FILES, 0
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as cache:
        while wanted > have and have < len(paths) and found < chunks * (1 - _CLOSE):
            copy(source, target, paths[have:wanted])
            have = min(wanted, len(paths))
            found = update(target, cache_dir=Path(cache), embedder=embedder).chunks
            wanted = min(have * 4, int(have * chunks / found))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path, help="a folder that does not exist yet")
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--files", type=int)
    size.add_argument("--chunks", type=int)
    args = parser.parse_args()
    args.target.mkdir(parents=True)
    if args.files:
        paths = mixed(args.source)[: args.files]
        copy(args.source, args.target, paths)
        print(f"{len(paths)} files")
    else:
        print(f"{with_chunks(args.source, args.target, args.chunks)} chunks")


if __name__ == "__main__":
    main()
