from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.manifest import (
    FORMAT,
    RACY_NS,
    Entry,
    Head,
    Held,
    Manifest,
    Passed,
    Stamp,
    digest_of,
    load,
    load_head,
    merkle,
    save,
)

STAMP = Stamp(10, 1_000, 7)


def manifest(**files: str) -> Manifest:
    entries = {path: Entry(blob, STAMP, 2) for path, blob in files.items()}
    head = Head("/w", 3, 2_000, digest_of(entries), 2 * len(files), 1, (Held("a.seg"), Held("b.seg", (0, 4))))
    return Manifest(head, entries, {"logo.png": Passed("binary", STAMP)})


def test_a_manifest_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    wanted = manifest(**{"a/b.py": "11", "a/\udcff.py": "22", "é.py": "33"})
    save(wanted, tmp_path / "m" / "one.json")
    assert load(tmp_path / "m" / "one.json") == wanted
    assert load_head(tmp_path / "m" / "one.json") == wanted.head
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["one.json"]


def test_there_is_none_before_the_first_round(tmp_path: Path) -> None:
    assert load(tmp_path / "one.json") is None
    assert load_head(tmp_path / "one.json") is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"format": 1}', b'{"format": %d}' % FORMAT, b"\xff\xfe"])
@pytest.mark.parametrize("end", [b"", b"\n", b"\n{}"])
def test_a_damaged_manifest_is_none(tmp_path: Path, damage: bytes, end: bytes) -> None:
    (tmp_path / "one.json").write_bytes(damage + end)
    assert load(tmp_path / "one.json") is None
    assert load_head(tmp_path / "one.json") is None


def test_a_manifest_of_another_format_is_none(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    save(manifest(**{"a.py": "11"}), path)
    now, before = f'"format":{FORMAT}'.encode(), f'"format":{FORMAT - 1}'.encode()
    assert now in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(now, before, 1))
    assert load(path) is None
    assert load_head(path) is None


def test_a_manifest_cut_anywhere_is_none(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    save(manifest(**{"a.py": "11"}), path)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        assert load(path) is None
        assert load_head(path) is None or size >= whole.index(b"}\n") + 1


def test_only_files_with_chunks_have_rows() -> None:
    files = {"a.py": Entry("11", STAMP, 2), "empty.py": Entry("00", STAMP, 0)}
    assert Manifest(Head("/w"), files).blobs() == {"11"}


def test_a_file_written_while_the_round_began_is_read_again() -> None:
    before = Stamp(10, 1_999, 7)
    assert manifest().is_current(before, before)
    same_instant = Stamp(10, 2_000, 7)
    assert not manifest().is_current(same_instant, same_instant)


@pytest.mark.parametrize("now", [Stamp(11, 1_000, 7), Stamp(10, 1_001, 7), Stamp(10, 1_000, 8)])
def test_a_file_whose_size_time_or_inode_differs_is_read_again(now: Stamp) -> None:
    assert not manifest().is_current(STAMP, now)


def test_equal_folders_have_equal_digests_wherever_they_stand() -> None:
    digests = merkle({"a/x.py": "1", "a/y/z.py": "2", "b/c/x.py": "1", "b/c/y/z.py": "2"})
    assert digests["a"] == digests["b/c"]
    assert digests["a/y"] == digests["b/c/y"] != digests["a"]
    assert set(digests) == {"", "a", "a/y", "b", "b/c", "b/c/y"}


def test_a_change_reaches_the_root_and_no_other_folder() -> None:
    before = merkle({"a/x.py": "1", "b/y.py": "2"})
    after = merkle({"a/x.py": "3", "b/y.py": "2"})
    assert {folder for folder in before if before[folder] != after[folder]} == {"", "a"}


PATHS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map(lambda parts: "/".join(parts) + ".py")
TREES = st.dictionaries(PATHS, st.sampled_from(["1", "2"]))


@given(TREES, TREES)
def test_digests_are_equal_just_when_the_trees_are(one: dict[str, str], other: dict[str, str]) -> None:
    assert (merkle(one)[""] == merkle(other)[""]) == (one == other)


def test_a_file_with_a_time_far_ahead_is_not_read_again_forever() -> None:
    ahead = Stamp(10, 2_000 + RACY_NS, 7)
    assert manifest().is_current(ahead, ahead)
