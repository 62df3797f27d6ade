"""Bad surroundings of an index: damaged files and a full disk. The next round makes what a fresh index would be."""

import json
import math
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kibitz.indexer import mapped
from kibitz.indexer import round as indexing_round
from kibitz.indexer.errors import DiskFullError, NotIndexedError
from kibitz.indexer.store import MARKER
from tests.e2e.index_rounds import Rounds
from tests.e2e.index_workspace import Bench, lay, state
from tests.fakes.index_dump import Dump, differences, dump_parts

Damage = Callable[[Path, random.Random], None]


def cut(path: Path, chance: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])


def empty(path: Path, chance: random.Random) -> None:
    del chance
    path.write_bytes(b"")


def flip(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 1, 1, 4, 40))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def remove(path: Path, chance: random.Random) -> None:
    del chance
    path.unlink()


def overwrite(path: Path, chance: random.Random) -> None:
    path.write_bytes(chance.randbytes(path.stat().st_size))


DAMAGES: tuple[Damage, ...] = (cut, empty, flip, flip, flip, remove, overwrite)


def old_index(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bring an index to state 0 over others, so that segments hold dead files and the table has deleted rows."""
    with monkeypatch.context() as patched:
        patched.setattr(indexing_round, "FEW_ROWS", 0)
        patched.setattr(indexing_round, "SHARE_OF_GARBAGE", 0.05)
        for number in (2, 3, 0):
            lay(bench.root, state(number))
            bench.update()


def reads_rightly(bench: Bench, wanted: Dump) -> None:
    """A reader answers as if nothing had happened, or says that there is no index."""
    try:
        searcher = bench.searcher()
    except NotIndexedError:
        return
    assert searcher.search("load the thing", k=20)
    holding = {path: file for path, file in wanted.files.items() if file.chunks}
    assert dump_parts(searcher.view.parts) == holding


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)


def folders_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_dir())


class Vault:
    """A good index, put back before each damage."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._copy = bench.folder / "good"
        shutil.copytree(bench.at.folder, self._copy)

    def put_back(self) -> None:
        shutil.rmtree(self._bench.at.folder)
        shutil.copytree(self._copy, self._bench.at.folder)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path, state(2))
    old_index(made, monkeypatch)
    return made


@pytest.mark.parametrize("part", ["hot", "manifests"])
def test_a_damaged_segment_or_manifest_is_seen_by_readers_and_made_good_by_the_next_round(
    bench: Bench, part: str
) -> None:
    chance = random.Random(f"damage {part}")
    vault, wanted = Vault(bench), bench.fresh()
    for name in [path.relative_to(bench.at.folder) for path in files_below(bench.at.folder / part)]:
        for damage in (*DAMAGES, flip, flip, flip):
            vault.put_back()
            damage(bench.at.folder / name, chance)
            reads_rightly(bench, wanted)
            bench.update()
            assert differences(bench.dump(), wanted) == [], f"{damage.__name__} {name}"


LARGE = ("body", "definitions", "references", "stems", "folders", "names", "paths", "blobs", "vectors")


def unseen(path: Path, chance: random.Random) -> None:
    """Damage an array of the kinds that may be so large that it is not looked at when a segment is opened."""
    data = bytearray(path.read_bytes())
    _, length, _ = mapped._FIXED.unpack_from(data)
    header = json.loads(data[mapped._FIXED.size : mapped._FIXED.size + length])
    large = {name: place for name, place in header["arrays"].items() if name.partition(".")[0] in LARGE}
    name = chance.choice([name for name, place in large.items() if math.prod(place["shape"])])
    size = math.prod(large[name]["shape"]) * np.dtype(large[name]["type"]).itemsize
    at = mapped._padded(mapped._FIXED.size + length) + large[name]["at"] + chance.randrange(size)
    data[at] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def test_damage_that_shows_only_in_use_is_told_to_whoever_searches(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random("arrays")
    vault, wanted = Vault(bench), bench.fresh()
    largest = max(bench.at.hot.glob("*.seg"), key=lambda path: path.stat().st_size)
    told = 0
    with monkeypatch.context() as patched:
        patched.setattr(mapped, "_CHECKED_BYTES", 0)  # as if all arrays were large
        for _ in range(400):
            vault.put_back()
            unseen(largest, chance)
            try:
                bench.searcher().search("load the thing of state2", k=20)
            except NotIndexedError as error:
                told += "is damaged: run `kibitz index`" in str(error)
        assert told
        bench.update()
    bench.check(wanted)


def damaged_table(bench: Bench, chance: random.Random, times: int) -> Iterator[str]:
    """Damage the table in many ways, one at a time, and say how: two files of a kind, and whole folders."""
    vault = Vault(bench)
    folders = [bench.at.table, *folders_below(bench.at.table)]
    for path in [path for folder in folders for path in sorted(folder.glob("*.*"))[:2] if path.is_file()]:
        for damage in chance.sample(DAMAGES, times):
            vault.put_back()
            damage(path, chance)
            yield f"{damage.__name__} {path.name}"
    for folder in folders:
        vault.put_back()
        shutil.rmtree(folder)
        yield f"no {folder.name}"


def test_a_damaged_table_is_made_good_when_a_round_needs_it(bench: Bench, rounds: Rounds) -> None:
    lay(bench.root, state(1))
    wanted = bench.fresh()
    vectors = {(row.blob, row.key, row.vector.hex()) for row in wanted.rows}
    for said in damaged_table(bench, random.Random("table"), 4):
        answer = rounds.run(root=bench.root, cache=bench.cache)
        for _ in range(2):  # Lance ends the process over some damages; the third round does without the table
            answer = rounds.run(root=bench.root, cache=bench.cache) if answer == "signal 6" else answer
        assert isinstance(answer, dict), f"{said}: {answer}"
        assert bench.dump(table=False).files == wanted.files, said
        given = rounds.run(root=bench.root, cache=bench.cache, vectors=True)
        if said.startswith("flip"):  # Whatever was not needed was not looked at; it is refused when it is needed.
            assert given in ("damaged", "signal 6") or living(given, wanted) <= vectors, said
        else:
            assert living(given, wanted) == vectors, said


def living(given: list[list[Any]], wanted: Dump) -> set[tuple[Any, ...]]:
    """The vectors of those blobs that the workspace has."""
    blobs = {row.blob for row in wanted.rows}
    return {(blob, key, vector) for blob, key, vector in given if blob in blobs}


def test_a_damaged_table_is_left_alone_while_nothing_changes(bench: Bench, rounds: Rounds) -> None:
    wanted = bench.fresh()
    for said in damaged_table(bench, random.Random("idle"), 1):
        answer = rounds.run(root=bench.root, cache=bench.cache)
        assert answer["embedded"] == 0
        assert bench.dump(table=False).files == wanted.files, said
        assert bench.searcher().search("load the thing")


def test_a_table_whose_readers_die_is_made_again(bench: Bench, rounds: Rounds) -> None:
    said = []
    for number, deaths in enumerate((b"x", b"xx", b"")):
        lay(bench.root, state(0) | {f"new{number}.py": f"def new_{number}():\n    pass\n"})
        (bench.at.table / MARKER).write_bytes(deaths)
        said.append(rounds.run(root=bench.root, cache=bench.cache)["rebuilt"] or "")
        assert not (bench.at.table / MARKER).exists()
        bench.check()
    assert ["has ended the process" in one for one in said] == [False, True, False]


def test_a_lost_index_is_made_again(bench: Bench) -> None:
    wanted = bench.fresh()
    for folder in ["", "hot", "manifests", "table"]:
        shutil.rmtree(bench.at.folder / folder)
        assert bench.update().rebuilt is None
        assert bench.dump(table=False).files == wanted.files
    lay(bench.root, state(3))
    assert bench.update().rebuilt is None
    bench.check()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def leave(disk: Path, kilobytes: int) -> None:
    """Fill a disk until so much is left."""
    status = os.statvfs(disk)
    (disk / "ballast").write_bytes(bytes(status.f_bavail * status.f_frsize - 1024 * kilobytes))


@pytest.mark.parametrize("first", [True, False])
def test_a_full_disk_ends_the_round_with_a_sentence_and_room_makes_it_good(
    bench: Bench, small_disk: Path, first: bool
) -> None:
    bench.cache = small_disk / "cache"
    before, full = None, 0
    sizes = (0, 4, 8, 16, 24, 40, 56, 72, 88, 104, 120, 160)
    for turn, kilobytes in enumerate(sizes):
        if first:
            shutil.rmtree(bench.cache, ignore_errors=True)
        elif before is None:
            bench.update()
            before = bench.dump()
        lay(bench.root, state(1 + turn % 3))
        leave(small_disk, kilobytes)
        try:
            bench.update()
        except DiskFullError as error:
            full += 1
            assert str(error) == "The disk is full: the index could not be written."
            if before is None:
                with pytest.raises(NotIndexedError):
                    bench.searcher()
            else:
                assert differences(bench.dump(table=False), replace(before, rows=())) == []
                assert bench.searcher().search("load the thing")
        (small_disk / "ballast").unlink()
        assert bench.update().rebuilt is None
        bench.check()
        before = None if first else bench.dump()
    assert 3 <= full < len(sizes)
