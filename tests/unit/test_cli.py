"""The command's frame: exit codes and sentences."""

from pathlib import Path

import pytest

from kibitz.server.cli import COMMANDS, run


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIBITZ_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("KIBITZ_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("KIBITZ_DATA_DIR", str(tmp_path / "data"))
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == 0
    assert "Usage: kibitz " + command in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["search"], ["nonsense"], ["index", "--nonsense"], ["serve", "--stdio", "--tcp", "1"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert "Usage: kibitz" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["index", "/no/such/folder"], "There is no folder /no/such/folder."),
        (["complete", "nowhere.py:1"], "There is no file nowhere.py."),
        (["status", __file__], "is a file; name the folder that holds it."),
    ],
)
def test_a_failure_is_one_sentence(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("kibitz: ")
    assert sentence in shown.err
    assert shown.err.count("\n") == 1


def test_an_unknown_setting_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "user.toml").write_text('chat_modle = "x"', encoding="utf-8")
    monkeypatch.setenv("KIBITZ_CONFIG", str(tmp_path / "user.toml"))
    assert run(["config"]) == 1
    assert "unknown setting: chat_modle" in capsys.readouterr().err


def test_the_key_is_never_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert run(["config"]) == 0
    assert run(["config", "--json"]) == 0
    assert "sk-secret" not in capsys.readouterr().out
