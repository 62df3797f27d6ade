"""What Kibitz is measured beside: SQLite's FTS5 over the same files, and semble where it is installed.

`python -m tests.bench.peers index TREE DB` indexes every file that Kibitz would; `ask DB` reads questions, one a line,
and answers each with {"results": [path], "ms": ...}.
"""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_WORD = re.compile(r"\w+")

# Makes a model of the shape that semble loads, with random rows: its costs are real, what its vectors find is not.
_STAND_IN = """
import sys, numpy
from model2vec import StaticModel
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
pieces = ["[UNK]", *open(sys.argv[1], encoding="utf-8").read().split("\\n")]
tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
rows = numpy.random.default_rng(0).standard_normal((len(pieces), 256)).astype("float32")
StaticModel(rows, tokenizer).save_pretrained(sys.argv[2])
"""

# Answers questions through semble's own interface; alpha 0 asks its BM25 and its ranking only.
_SEMBLE_ASK = """
import json, sys, time
from semble.index import SembleIndex
from semble.types import ContentType
content = tuple(ContentType) if sys.argv[2] == "all" else (ContentType.CODE,)
alpha = float(sys.argv[3]) if len(sys.argv) > 3 else None
index = SembleIndex.from_path(sys.argv[1], content=content)
for line in sys.stdin:
    began, cpu = time.perf_counter(), time.process_time()
    found = index.search(line.strip(), 10, alpha=alpha)
    ms, cpu_ms = (time.perf_counter() - began) * 1000, (time.process_time() - cpu) * 1000
    hits = [[one.chunk.file_path, one.chunk.start_line, one.chunk.end_line] for one in found]
    print(json.dumps({"results": hits, "ms": ms, "cpu_ms": cpu_ms}))
status = open("/proc/self/status").read()
print(status.split("VmHWM:")[1].split()[0])
"""


def semble_env(python: str, folder: Path) -> dict[str, str]:
    """The environment of a semble with nothing in its cache and a stand-in model, both in `folder`."""
    import numpy as np

    from kibitz.indexer.embed.static import WEIGHTS

    with np.load(WEIGHTS, allow_pickle=False) as data:
        vocabulary = data["vocabulary"].tobytes()
    model, pieces = folder / "model", folder / "vocabulary.txt"
    folder.mkdir(parents=True, exist_ok=True)
    pieces.write_bytes(vocabulary)
    subprocess.run([python, "-c", _STAND_IN, pieces, model], check=True, capture_output=True)
    return {
        "SEMBLE_CACHE_LOCATION": str(folder / "cache"),
        "SEMBLE_MODEL_NAME": str(model),
        "SEMBLE_INDEX_WORKERS": "2",
        "HF_HUB_OFFLINE": "1",
        "HOME": str(folder),
    }


@dataclass(frozen=True, slots=True)
class Answer:
    """What semble found, best first: path, lines from 0, end not included; and the milliseconds that it took."""

    found: list[tuple[str, int, int]]
    ms: float
    cpu_ms: float


def semble_answers(
    python: str, env: dict[str, str], tree: Path, questions: list[str], *, words_only: bool = False
) -> tuple[list[Answer], float]:
    """Semble's answers and its peak memory in MB. `words_only` leaves out vectors and prose."""
    done = subprocess.run(
        [python, "-c", _SEMBLE_ASK, tree, *(["code", "0"] if words_only else ["all"])],
        input="\n".join(questions) + "\n",
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=True,
    )
    *lines, peak = done.stdout.splitlines()
    answers = [json.loads(line) for line in lines]
    return [
        Answer([(path, first - 1, last) for path, first, last in each["results"]], each["ms"], each["cpu_ms"])
        for each in answers
    ], int(peak) / 1024


def fts5_index(tree: Path, database: Path) -> int:
    """Index the text of every file that Kibitz would index; returns how many."""
    from kibitz.indexer.workspace import survey

    database.unlink(missing_ok=True)
    with sqlite3.connect(database) as db:
        db.execute("CREATE VIRTUAL TABLE files USING fts5(path, body, tokenize = 'unicode61')")
        files = survey(tree).files
        rows = ((file.path, (tree / file.path).read_text("utf-8", "replace")) for file in files)
        db.executemany("INSERT INTO files VALUES (?, ?)", rows)
    return len(files)


def fts5_ask(database: Path) -> None:
    with sqlite3.connect(database) as db:
        for line in sys.stdin:
            began = time.perf_counter()
            words = " OR ".join(f'"{word}"' for word in dict.fromkeys(_WORD.findall(line)))
            asked = "SELECT path FROM files WHERE files MATCH ? ORDER BY bm25(files) LIMIT 10"
            paths = [path for (path,) in db.execute(asked, (words,))]
            print(json.dumps({"results": paths, "ms": (time.perf_counter() - began) * 1000}))


def main() -> None:
    match sys.argv[1:]:
        case ["index", tree, database]:
            print(fts5_index(Path(tree), Path(database)))
        case ["ask", database]:
            fts5_ask(Path(database))
        case _:
            print(__doc__)


if __name__ == "__main__":
    main()
