"""What Kibitz is measured beside: SQLite's FTS5 over the same files, and semble where it is installed.

`python -m tests.bench.peers index TREE DB` indexes every file that Kibitz would; `ask DB` reads questions, one a line,
and answers each with {"results": [path], "ms": ...}. `semble FOLDER`, in a Python that has it, indexes each tree of a
folder in memory, with its own walk, chunks and BM25 and with our embedder as its model, and says what it indexed.
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
from typing import Any

PEERS = (sys.executable, "-m", "tests.bench.peers")
SEMBLE = ("-c", "import sys; from semble.cli import main; sys.exit(main())")  # for a Python that has it

_WORD = re.compile(r"\w+")

# Makes a model of the shape that semble's command line loads, with our vocabulary and rows.
_MODEL = """
import sys, numpy
from model2vec import StaticModel
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
with numpy.load(sys.argv[1], allow_pickle=False) as data:
    pieces = ["[UNK]", *data["vocabulary"].tobytes().decode("utf-8").split("\\n")]
    rows = data["table"] * data["scale"].astype("float32")[:, None]
tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
StaticModel(numpy.vstack([rows[:1] * 0, rows]), tokenizer).save_pretrained(sys.argv[2])
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
    """The environment of a semble with nothing in its cache and our vectors as its model, both in `folder`."""
    from kibitz.indexer.embed.static import WEIGHTS

    model = folder / "model"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([python, "-c", _MODEL, WEIGHTS, model], check=True, capture_output=True)
    return {
        "SEMBLE_CACHE_LOCATION": str(folder / "cache"),
        "SEMBLE_MODEL_NAME": str(model),
        "SEMBLE_INDEX_WORKERS": "2",
        "HF_HUB_OFFLINE": "1",
        "HOME": str(folder),
    }


def semble_index(folder: Path) -> None:
    """Index each tree of a folder as semble does, into memory."""
    from semble.index.create import create_index_from_path  # type: ignore[import-not-found, unused-ignore]
    from semble.types import ContentType  # type: ignore[import-not-found, unused-ignore]

    from kibitz.indexer.embed.static import StaticEmbedder

    class Model(StaticEmbedder):
        def encode(self, texts: list[str], **_: object) -> Any:
            return self.embed(texts)

    model, kept = Model(), []
    for tree in sorted(each for each in folder.resolve().iterdir() if each.is_dir()):
        try:
            kept.append((tree, create_index_from_path(tree, model, tuple(ContentType), display_root=tree)))
        except ValueError as error:  # there is nothing in it that it knows
            print(error, file=sys.stderr)
    manifests = [(tree, index[3]) for tree, index in kept]
    print(
        json.dumps(
            {
                "files": sum(len(manifest) for _, manifest in manifests),
                "chunks": sum(len(index[2]) for _, index in kept),
                "bytes": sum((tree / path).stat().st_size for tree, manifest in manifests for path in manifest),
            }
        )
    )


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
        case ["semble", folder]:
            semble_index(Path(folder))
        case ["ask", database]:
            fts5_ask(Path(database))
        case _:
            print(__doc__)


if __name__ == "__main__":
    main()
