"""Rounds that are stopped, and indexes that are damaged."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kibitz.indexer import round as indexing_round
from kibitz.indexer.errors import IndexerError
from kibitz.indexer.index import Progress
from kibitz.indexer.store import ChunkTable, DamagedTableError
from tests.fakes.index_bench import Bench, write


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def stop_at(phase: str, number: int) -> Callable[[Progress], None]:
    def listener(progress: Progress) -> None:
        if progress.phase == phase and progress.done >= number:
            raise KeyboardInterrupt

    return listener


@pytest.mark.parametrize("phase", ["survey", "parse", "commit", "hot"])
def test_a_round_that_is_stopped_leaves_the_last_state(bench: Bench, phase: str) -> None:
    bench.update()
    write(bench.root, {"app/retry.py": "def exponential(attempt):\n    return 3 ** attempt\n"})
    with pytest.raises(KeyboardInterrupt):
        bench.update(listener=stop_at(phase, 0))
    assert bench.found("server")
    bench.update()
    assert bench.found("exponential")[0] == "app/retry.py"


def test_a_long_round_commits_on_the_way_and_the_next_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing_round, "COMMIT_SECONDS", -1)
    with pytest.raises(KeyboardInterrupt):
        bench.update(listener=stop_at("parse", 3))
    assert bench.pool.paths == ["README.md", "app/empty.py", "app/retry.py"]
    report = bench.update()
    assert (report.embedded_chunks, bench.pool.paths) == (1, ["app/session.py"])
    assert bench.found("backoff")[0] == "app/retry.py"


def data_files(bench: Bench) -> list[Path]:
    return sorted(bench.at.table.rglob("data/*.lance"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scribble(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 4 : len(data) // 2] = b"\x5a" * (len(data) // 2 - len(data) // 4)
    path.write_bytes(data)


def cut_data(bench: Bench) -> None:
    cut(data_files(bench)[0])


def scribble_data(bench: Bench) -> None:
    scribble(data_files(bench)[0])


def remove_data(bench: Bench) -> None:
    data_files(bench)[0].unlink()


def cut_lance_manifests(bench: Bench) -> None:
    for path in bench.at.table.rglob("_versions/*.manifest"):
        cut(path)


def empty_the_table(bench: Bench) -> None:
    shutil.rmtree(bench.at.table / "chunks.lance" / "_versions")


@pytest.mark.parametrize(
    "damage",
    [cut_data, scribble_data, remove_data, cut_lance_manifests, empty_the_table],
    ids=lambda one: str(one.__name__),
)
def test_a_damaged_table_is_made_again_without_being_asked(bench: Bench, damage: Callable[[Bench], None]) -> None:
    bench.update()
    damage(bench)
    write(bench.root, {"more.py": "def brand_new():\n    pass\n"})
    report = bench.update()
    assert report.chunks == 4
    assert bench.found("brand new")[0] == "more.py"
    assert bench.found("backoff")[0] == "app/retry.py"
    assert bench.update().rebuilt is None


@pytest.mark.parametrize("damage", [cut_data, remove_data, cut_lance_manifests], ids=lambda one: str(one.__name__))
def test_a_rebuild_says_why(bench: Bench, damage: Callable[[Bench], None]) -> None:
    bench.update()
    damage(bench)
    write(bench.root, {"more.py": "def brand_new():\n    pass\n"})
    assert str(bench.update().rebuilt).startswith("The index was damaged and has been made again (")


def test_a_lost_table_is_made_again(bench: Bench) -> None:
    bench.update()
    shutil.rmtree(bench.at.table)
    shutil.rmtree(bench.at.hot)
    assert bench.update().embedded_chunks == 3
    assert bench.found("backoff")[0] == "app/retry.py"


def test_a_damaged_manifest_embeds_nothing_again(bench: Bench) -> None:
    bench.update()
    cut(bench.at.manifest(bench.root))
    report = bench.update()
    assert (report.files, report.embedded_chunks) == (4, 0)


def test_a_damaged_hot_copy_is_made_again(bench: Bench) -> None:
    bench.update()
    (copy,) = bench.at.hot.iterdir()
    cut(copy)
    assert bench.update().embedded_chunks == 0
    assert bench.found("backoff")[0] == "app/retry.py"


def test_a_table_that_cannot_be_read_twice_is_a_sentence(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(table: ChunkTable) -> dict[str, int]:
        raise DamagedTableError("no such page")

    monkeypatch.setattr(ChunkTable, "blobs", damaged)
    with pytest.raises(IndexerError, match="made again and still cannot be read: no such page"):
        bench.update()
