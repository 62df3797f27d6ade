"""Make the sets of questions that lines.py asks: one tree a language, its functions without their documentation.

Takes packages of training/sources.toml as training/fetch.py has unpacked them: those held out, or with --trained those
that were trained on. A tree is made of a few packages; each gives whole files, in a random order that is the same each
time, and about as many functions as the others. Writes tree/, questions.json and functions.json for each language.
"""

import argparse
import random
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.questions import Function, questions_of, strip, write
from training.admit import candidates, may_learn_from, read_never
from training.fetch import Source, read_manifest
from training.languages import SUFFIXES

LEAST_QUESTIONS, LEAST_FILES, MOST_PACKAGES = 80, 10, 10
SAME = {"tsx": "typescript"}


@dataclass(frozen=True, slots=True)
class Stripped:
    """A file of a tree without its functions' documentation, and the functions in it."""

    path: str
    text: str
    functions: list[Function]


def files_of(cache: Path, source: Source) -> dict[str, list[tuple[Path, str]]]:
    """The files of a package by language, each with the path that it gets in the tree, mixed."""
    root = cache / "packages" / source.folder
    found: dict[str, list[tuple[Path, str]]] = defaultdict(list)
    for file in candidates(root, set(SUFFIXES), read_never()):
        if file.suffix in SUFFIXES:
            language = SUFFIXES[file.suffix]
            path = f"{root.name}/{file.relative_to(root).as_posix()}"
            found[SAME.get(language, language)].append((file, path))
    for files in found.values():
        random.Random(1).shuffle(files)
    return found


def stripped(files: list[tuple[Path, str]]) -> Iterator[Stripped]:
    for file, path in files:
        text = file.read_text("utf-8", "replace").replace("\r\n", "\n")
        if may_learn_from(text):
            yield Stripped(path, *strip(text, SUFFIXES[file.suffix], path))


def some(packages: list[list[tuple[Path, str]]]) -> list[list[tuple[Path, str]]]:
    """A few packages, rather those with more than a few files: a workspace is no mixture of hundreds."""
    mixed = random.Random(1).sample(packages, len(packages))
    return sorted(mixed, key=lambda files: len(files) < LEAST_FILES)[:MOST_PACKAGES]


def evenly(packages: list[Iterator[Stripped]], wanted: int) -> list[Stripped]:
    """Files until there are so many functions, always the next of the package that gave the fewest so far."""
    given = dict.fromkeys(range(len(packages)), 0)
    chosen: list[Stripped] = []
    while given and sum(len(each.functions) for each in chosen) < wanted:
        poorest = min(given, key=lambda number: given[number])
        file = next(packages[poorest], None)
        if file is None:
            del given[poorest]
            continue
        given[poorest] += len(file.functions) + 1  # a file without any is one as well
        chosen.append(file)
    return sorted(chosen, key=lambda each: each.path)


def make(folder: Path, files: list[Stripped], most: int) -> str:
    """Write one language's set; what is in it."""
    functions = [function for file in files for function in file.functions]
    questions = questions_of(functions, [file.text for file in files])
    if len(questions) < LEAST_QUESTIONS:
        return f"{folder.name}: only {len(questions)} questions, left out"
    random.Random(1).shuffle(questions)
    asked = sorted(questions[:most], key=lambda one: (one.path, one.start))
    shutil.rmtree(folder, ignore_errors=True)
    for file in files:
        target = folder / "tree" / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.text, "utf-8")
    write(folder / "questions.json", asked)
    write(folder / "functions.json", functions)
    packages = {file.path.split("/")[0] for file in files}
    return (
        f"{folder.name}: {len(asked)} of {len(questions)} questions, {len(functions)} functions, {len(files)} files "
        f"of {len(packages)} packages"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="where training/fetch.py has put the packages")
    parser.add_argument("--to", type=Path, required=True, help="the folder for the sets")
    parser.add_argument("--trained", action="store_true", help="packages that were trained on, not those held out")
    parser.add_argument(
        "--functions", type=int, default=1500, help="about how many a tree has; twice as many in Python"
    )
    parser.add_argument(
        "--questions", type=int, default=150, help="at most so many a language; twice as many in Python"
    )
    args = parser.parse_args()
    sources = [each for each in read_manifest() if each.held_out != args.trained]
    found = [files_of(args.cache, each) for each in sources if (args.cache / "packages" / each.folder).is_dir()]
    for language in sorted({each for files in found for each in files}):
        times = 2 if language == "python" and not args.trained else 1
        packages = some([files[language] for files in found if language in files])
        files = evenly([stripped(each) for each in packages], args.functions * times)
        print(make(args.to / language, files, args.questions * times), flush=True)


if __name__ == "__main__":
    main()
