"""What is kept beside the indexes goes with the workspace that it belongs to."""

from pathlib import Path

import pytest

from kibitz.server.housekeeping import collect_states
from kibitz.server.pack import state
from kibitz.server.pack.state import State


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def kept(cache: Path, root: Path, question: str = "") -> Path:
    """The state of a pack."""
    path = state.place(cache, root, question)
    state.save(State(9, "words", "front", ()), path, root)
    return path


def test_states_of_folders_that_are_gone_go_and_others_stay(cache: Path, tmp_path: Path) -> None:
    here, gone = tmp_path / "here", tmp_path / "gone"
    here.mkdir()
    stays, one, other = kept(cache, here), kept(cache, gone), kept(cache, gone, "why?")
    away = kept(cache, tmp_path / "drive" / "work")  # its drive may come back
    (cache / "pace.json").write_text("{}", "utf-8")
    would = collect_states(cache, dry_run=True)
    assert one.exists() and other.exists()
    assert collect_states(cache) == would
    assert {(each.path, each.reason) for each in would} == {(one, "gone"), (other, "gone")}
    assert all(each.bytes > 0 for each in would)
    assert stays.exists() and away.exists() and (cache / "pace.json").exists()
    assert not one.exists() and not other.exists()
    assert collect_states(cache) == []


def test_a_state_that_nobody_can_read_goes_and_one_that_is_being_written_stays(cache: Path, tmp_path: Path) -> None:
    damaged = kept(cache, tmp_path)
    damaged.write_bytes(b"\0")
    (half := damaged.with_suffix(".tmp")).write_bytes(b"")
    assert [(each.path, each.reason) for each in collect_states(cache)] == [(damaged, "superseded")]
    assert half.exists()


def test_everything_is_all_that_can_be_made_again_and_nothing_else(cache: Path, tmp_path: Path) -> None:
    path = kept(cache, tmp_path)
    for name in ("pace.json", "fim.json", "mine.txt"):
        (cache / name).write_text("{}", "utf-8")
    removed = collect_states(cache, everything=True)
    assert {each.path for each in removed} == {path, cache / "pace.json", cache / "fim.json"}
    assert {each.reason for each in removed} == {"all"}
    assert [each.name for each in cache.iterdir() if each.is_file()] == ["mine.txt"]


def test_where_nothing_was_kept_nothing_is_removed(cache: Path) -> None:
    assert collect_states(cache, everything=True) == []
