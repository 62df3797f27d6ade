"""Rounds in real processes, with real parser workers, that are killed."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from kibitz.indexer.index import update
from kibitz.indexer.search import Searcher
from tests.fakes.embedder import HashEmbedder

ROUND = """
import sys, time
from pathlib import Path
from kibitz.indexer.index import update
from tests.fakes.embedder import HashEmbedder

if __name__ == "__main__":
    root, cache, phase = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]

    def pause(progress):
        if progress.phase == phase:
            print("here", flush=True)
            time.sleep(60)

    update(root, cache_dir=cache, embedder=HashEmbedder(paths=phase != "embed"), progress=pause)
    print("done", flush=True)
"""


def write(root: Path, number: int) -> None:
    root.mkdir(exist_ok=True)
    for at in range(5):
        text = f"def only_in_{number}_{at}():\n    return {number}\n"
        (root / f"file_{at}.py").write_text(text, "utf-8")


def killed_in(phase: str, root: Path, cache: Path) -> None:
    command = [sys.executable, "-c", ROUND, str(root), str(cache), phase]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.kill()


@pytest.mark.parametrize("phase", ["parse", "commit", "hot"])
def test_a_killed_round_leaves_the_last_state_and_the_next_goes_on(tmp_path: Path, phase: str) -> None:
    root, cache, embedder = tmp_path / "work", tmp_path / "cache", HashEmbedder()
    write(root, 1)
    update(root, cache_dir=cache, embedder=embedder)
    write(root, 2)
    killed_in(phase, root, cache)
    searcher = Searcher.open(root, cache_dir=cache, embedder=embedder)
    assert {hit.stale for hit in searcher.search("only_in_1_3")} == {True}
    embedder.embedded.clear()
    report = update(root, cache_dir=cache, embedder=embedder, lock_wait_s=5)
    assert report.embedded_chunks == (0 if phase == "hot" else 5)
    assert report.rebuilt is None
    assert searcher.refresh()
    assert searcher.search("only_in_2_3")[0].chunk.path == "file_3.py"


def test_a_round_that_is_killed_while_it_asks_for_vectors_is_searched_by_words(tmp_path: Path) -> None:
    root, cache, embedder = tmp_path / "work", tmp_path / "cache", HashEmbedder(paths=False)
    write(root, 1)
    killed_in("embed", root, cache)
    searcher = Searcher.open(root, cache_dir=cache, embedder=embedder)
    assert searcher.lacking == 5
    assert searcher.search("only_in_1_3", legs=("lexical",))[0].chunk.path == "file_3.py"
    report = update(root, cache_dir=cache, embedder=embedder, lock_wait_s=5)
    assert (report.embedded_chunks, report.lacking, report.rebuilt) == (5, 0, None)
    assert searcher.refresh()
    assert searcher.lacking == 0


def test_a_first_round_that_is_killed_anywhere_is_made_good(tmp_path: Path) -> None:
    root, cache, embedder = tmp_path / "work", tmp_path / "cache", HashEmbedder()
    write(root, 1)
    for number in range(4):
        command = [sys.executable, "-c", ROUND, str(root), str(cache), "none"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            time.sleep(0.3 * number + 0.2)
            process.kill()
    update(root, cache_dir=cache, embedder=embedder, lock_wait_s=5)
    assert update(root, cache_dir=cache, embedder=embedder).rebuilt is None
    searcher = Searcher.open(root, cache_dir=cache, embedder=embedder)
    assert searcher.search("only_in_1_2")[0].chunk.path == "file_2.py"
