"""Places in files as people write them."""

from pathlib import Path

import click
import pytest

from kibitz.indexer.errors import WorkspaceError
from kibitz.server.cli.places import Place, parse_place, workspace_of


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("app.py", Place(Path("app.py"))),
        ("app.py:12", Place(Path("app.py"), line=12)),
        ("app.py:12:5", Place(Path("app.py"), line=12, column=5)),
        ("app.py:10-24", Place(Path("app.py"), line=10, end_line=24)),
        ("dir with blanks/a-b.py:7", Place(Path("dir with blanks/a-b.py"), line=7)),
        ("C:/code/app.py:3", Place(Path("C:/code/app.py"), line=3)),
    ],
)
def test_a_place_is_read_as_it_is_written(text: str, place: Place) -> None:
    assert parse_place(text) == place


@pytest.mark.parametrize("text", ["app.py:0", "app.py:3:0", "app.py:9-3"])
def test_a_place_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        parse_place(text)


def test_the_workspace_is_this_folder_when_it_holds_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("x = 1\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert workspace_of(parse_place("src/a.py:1"), None) == (tmp_path.resolve(), "src/a.py")


def test_a_file_elsewhere_brings_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "here")
    assert workspace_of(parse_place(f"{tmp_path}/a.py"), None) == (tmp_path.resolve(), "a.py")


def test_a_file_outside_the_named_workspace_is_refused(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    with pytest.raises(WorkspaceError, match="is not in the workspace"):
        workspace_of(parse_place(f"{tmp_path}/a.py"), tmp_path / "here")


def test_a_file_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(WorkspaceError, match=r"There is no file nowhere\.py"):
        workspace_of(parse_place("nowhere.py:1"), None)
