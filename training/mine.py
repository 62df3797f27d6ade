"""Mine the unpacked packages for definitions with their documentation, and files with their chunks.

    python training/mine.py [--cache training/cache] [--against TREES] [--processes 2]

Writes definitions.jsonl and files.jsonl into the cache. With --against, whatever shares five lines of code with one
of the folders in that folder (linked ones too) is left out: benchmark repositories, which files of other projects may
have been copied from.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from multiprocessing import Pool
from pathlib import Path

import tree_sitter as ts
from admit import Shingles, candidates, may_learn_from, names_never, read_never, trees
from fetch import HERE, Source, read_manifest
from languages import LANGUAGES, SUFFIXES, definitions, grammar
from nodes import docstring_of, is_wanted, last_row, name_of, owner_of, text_of

from docs import clean, doc_above

MAX_DOCUMENTED, MAX_UNDOCUMENTED, MAX_FILES = 4000, 1500, 1200
MAX_CODE_CHARS = 4000
CHUNK_LINES, MAX_CHUNKS = 32, 6
COPIED_FILE_HITS = 3
SHELL = re.compile(r"#!.*\b(ba|z|da)?sh\b")


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition without its documentation, and that documentation ("" when there is none)."""

    package: str
    language: str
    held_out: bool
    path: str
    symbol: str
    kind: str
    sentence: str
    paragraph: str
    code: str


def _definition(node: ts.Node, kind: str, lines: list[str], language: str) -> tuple[str, str, str, str] | None:
    """Symbol, sentence, paragraph and code without documentation, or None when it is not worth learning."""
    name = name_of(node)
    if not name or not is_wanted(node):
        return None
    start, end = node.start_point.row, last_row(node, language)
    if language == "python":
        string = docstring_of(node)
        raw = text_of(string).strip("rbuRBU").strip("\"'") if string else ""
        skip = range(string.start_point.row, string.end_point.row + 1) if string else range(0)
    else:
        raw = doc_above(lines, start, LANGUAGES[language].comment)
        skip = range(0)
    sentence, paragraph = clean(raw)
    code = "\n".join(lines[i] for i in range(start, end + 1) if i not in skip)[:MAX_CODE_CHARS]
    if len(code) < 30 or (not sentence and (end - start < 2 or kind == "type")):
        return None
    owner = owner_of(node)
    return f"{owner}.{name}" if owner else name, sentence, paragraph, code


def _chunks(lines: list[str]) -> Iterator[tuple[int, int]]:
    """Spans of about CHUNK_LINES lines that end at a blank line where there is one near."""
    start = 0
    while start < len(lines):
        end = min(len(lines), start + CHUNK_LINES)
        blank = next((i for i in range(end - 1, start + CHUNK_LINES // 2, -1) if not lines[i].strip()), None)
        if end < len(lines) and blank is not None:
            end = blank + 1
        yield start, end
        start = end


class Miner:
    """Mines one package after another, with one set of rules."""

    def __init__(self, packages: Path, against: Path | None) -> None:
        self.packages = packages
        self.never = read_never()
        self.shingles = Shingles.of_trees(against, set(SUFFIXES)) if against else Shingles()

    def mine(self, source: Source) -> tuple[list[Definition], list[dict[str, object]], Counter[str]]:
        """All that is learned from one package, and what was left out, counted."""
        left_out: Counter[str] = Counter()
        found: list[Definition] = []
        files: list[dict[str, object]] = []
        root = self.packages / source.folder
        seen: set[str] = set()
        for file in candidates(root, set(SUFFIXES), self.never):
            text = file.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n")
            path = file.relative_to(root).as_posix()
            if not file.suffix and not SHELL.match(text):
                continue
            if not may_learn_from(text):
                left_out["generated, minified or another licence"] += 1
                continue
            shared = self.shingles.shared_lines(text)
            if len(shared) >= COPIED_FILE_HITS:
                left_out["shares code with a benchmark (files)"] += 1
                continue
            language = SUFFIXES.get(file.suffix, "bash")
            for item, span in self._definitions(source, path, text, language):
                if any(span[0] <= line <= span[1] for line in shared):
                    left_out["shares code with a benchmark (definitions)"] += 1
                elif item.code not in seen:
                    seen.add(item.code)
                    found.append(item)
            lines = text.splitlines()
            spans = [span for span in _chunks(lines) if not any(span[0] <= n < span[1] for n in shared)]
            if len(spans) >= 2:
                step = max(1, len(spans) // MAX_CHUNKS)
                chunks = ["\n".join(lines[a:b])[:MAX_CODE_CHARS] for a, b in spans[::step][:MAX_CHUNKS]]
                files.append({"package": source.folder, "held_out": source.held_out, "path": path, "chunks": chunks})
        return _capped(found), files[:: max(1, len(files) // MAX_FILES)], left_out

    def _definitions(
        self, source: Source, path: str, text: str, language: str
    ) -> Iterator[tuple[Definition, tuple[int, int]]]:
        tree = ts.Parser(grammar(language)).parse(text.encode("utf-8"))
        lines = text.split("\n")
        captured = ts.QueryCursor(definitions(language)).captures(tree.root_node)
        for kind, nodes in captured.items():
            for node in nodes:
                made = _definition(node, kind, lines, language)
                if made is not None:
                    symbol, sentence, paragraph, code = made
                    yield (
                        Definition(
                            source.folder, language, source.held_out, path, symbol, kind, sentence, paragraph, code
                        ),
                        (node.start_point.row, node.end_point.row),
                    )


def _capped(found: list[Definition]) -> list[Definition]:
    """At most so many of one package, spread over it; the same sentence at most twice."""
    uses: Counter[str] = Counter()
    documented, others = [], []
    for item in found:
        uses[item.sentence] += 1
        if not item.sentence:
            others.append(item)
        elif uses[item.sentence] <= 2:
            documented.append(item)
    return (
        documented[:: -(-len(documented) // MAX_DOCUMENTED) or 1][:MAX_DOCUMENTED]
        + others[:: -(-len(others) // MAX_UNDOCUMENTED) or 1][:MAX_UNDOCUMENTED]
    )


def main() -> None:
    """Mine all packages of the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=HERE / "cache")
    parser.add_argument("--against", type=Path, help="folder of trees that must not be learned from")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    miner = Miner(args.cache / "packages", args.against)
    if args.against:
        print(f"against {len(miner.shingles.hashes):,} runs of lines of {len(trees(args.against))} trees", flush=True)
        if not miner.shingles.hashes:
            parser.error(f"{args.against} holds no folder with sources")
    sources = [one for one in read_manifest() if not names_never(one.folder, miner.never)]
    totals: Counter[str] = Counter()
    with (
        Pool(args.processes) as pool,
        (args.cache / "definitions.jsonl").open("w", encoding="utf-8") as definitions_out,
        (args.cache / "files.jsonl").open("w", encoding="utf-8") as files_out,
    ):
        for items, files, left_out in pool.imap(miner.mine, sources):
            totals.update(left_out)
            for item in items:
                totals[f"{item.language} {'documented' if item.sentence else 'undocumented'}"] += 1
                definitions_out.write(json.dumps(asdict(item)) + "\n")
            for file in files:
                files_out.write(json.dumps(file) + "\n")
            totals["files"] += len(files)
    for what, count in sorted(totals.items()):
        print(f"{count:8} {what}")


if __name__ == "__main__":
    main()
