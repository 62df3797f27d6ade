"""Chat sessions on disk: kept, joined, bounded, and safe against damage and each other."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kibitz.server.chat import sessions as module
from kibitz.server.chat.sessions import Said, SessionError, Sessions


@pytest.fixture
def kept(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path, tmp_path / "work")


def spoken(kept: Sessions, question: str = "Where is it?", answer: str = "There.", finish: str = "stop") -> str:
    return kept.add(kept.begin(), [Said("user", question, 1.0), Said("assistant", answer, 2.0, finish)]).id


def test_what_was_said_is_there_after_a_restart(tmp_path: Path, kept: Sessions) -> None:
    name = spoken(kept)
    again = Sessions(tmp_path, tmp_path / "work").get(name)
    assert [(turn.role, turn.text) for turn in again.turns] == [("user", "Where is it?"), ("assistant", "There.")]
    assert (again.title, again.unfinished) == ("Where is it?", None)
    assert Sessions(tmp_path, tmp_path / "other").all() == []  # each workspace has its own


def test_only_the_user_may_read_it(tmp_path: Path, kept: Sessions) -> None:
    spoken(kept)
    (file,) = tmp_path.rglob("*.json")
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0


def test_an_answer_that_was_stopped_goes_on_in_place(kept: Sessions) -> None:
    name = spoken(kept, answer="First this, ", finish="stopped")
    before = kept.get(name)
    assert before.unfinished is not None
    after = kept.add(before, [Said("assistant", "then that.", 3.0, "stop", ({"path": "a.py"},))], joins=True)
    assert [turn.text for turn in after.turns] == ["Where is it?", "First this, then that."]
    assert after.unfinished is None
    assert after.turns[-1].citations == ({"path": "a.py"},)


def test_two_editors_in_one_session_lose_nothing(tmp_path: Path, kept: Sessions) -> None:
    name = spoken(kept)
    read = kept.get(name)

    def speak(number: int) -> None:
        Sessions(tmp_path, tmp_path / "work").add(read, [Said("user", f"{number}?", 1.0), Said("assistant", "!", 1.0)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(speak, range(8)))
    said = {turn.text for turn in kept.get(name).turns}
    assert {f"{number}?" for number in range(8)} < said


def test_a_damaged_session_is_put_aside(tmp_path: Path, kept: Sessions) -> None:
    name = spoken(kept)
    (file,) = tmp_path.rglob("*.json")
    file.write_text('{"version": 1, "turns": [{"role": "system"}]}')
    assert kept.all() == []
    with pytest.raises(SessionError, match="There is no chat session"):
        kept.get(name)
    assert [each.name for each in tmp_path.rglob("*.damaged")] == [f"{name}.damaged"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "x" * 16, "0123456789ABCDEF"])
def test_a_name_that_is_no_id_is_refused(kept: Sessions, name: str) -> None:
    with pytest.raises(SessionError, match="is no chat session"):
        kept.get(name)


def test_it_is_renamed_and_deleted(kept: Sessions) -> None:
    name = spoken(kept, question="x" * 200)
    assert len(kept.get(name).title) < 70
    assert kept.rename(name, "Pools").title == "Pools"
    kept.delete(name)
    assert kept.all() == []
    with pytest.raises(SessionError):
        kept.delete(name)


def test_the_oldest_go_when_there_are_too_many(kept: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SESSIONS", 3)
    names = [spoken(kept, question=f"{number}?") for number in range(5)]
    assert {each.id for each in kept.all()} == set(names[-3:])


def test_a_session_stays_below_its_size(kept: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 5_000)
    name = spoken(kept)
    for number in range(20):
        kept.add(kept.get(name), [Said("user", f"{number}?", 1.0), Said("assistant", "y" * 300, 1.0)])
    turns = kept.get(name).turns
    assert turns[-2].text == "19?"
    assert len(turns) < 20


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "chats").write_text("in the way")
    kept = Sessions(tmp_path, tmp_path)
    assert kept.all() == []
    with pytest.raises(SessionError, match="cannot be kept"):
        spoken(kept)
