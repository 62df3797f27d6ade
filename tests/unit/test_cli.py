"""The command's frame: exit codes and sentences."""

import io
import sys
from pathlib import Path

import pytest

from kibitz.server.cli import COMMANDS, run
from kibitz.server.cli.shared import emit, show


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
    "arguments", [["search"], ["ask", " "], ["nonsense"], ["index", "--nonsense"], ["serve", "--stdio", "--tcp", "1"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert "Usage: kibitz" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["index", "/no/such/folder"], "There is no folder /no/such/folder."),
        (["complete", "nowhere.py:1"], "There is no file nowhere.py."),
        (["index", __file__], "is a file; name the folder that holds it."),
        (["status", "/no/such/file.py"], "/no/such/file.py is outside the workspace "),
        (["status", "nowhere.py"], "There is no file or folder nowhere.py."),
        (["status", "tests", "--path", "."], "tests is a folder; name a file in it."),
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


class Terminal(io.StringIO):
    """A terminal that remembers what it was told to do."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_is_given_no_control_sequences_of_a_file_and_a_pipe_gets_every_byte(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "red = '\x1b[31m'\t\x1b]52;c;evil\x07\r\n"
    for stream, expected in ((io.StringIO(), text), (Terminal(), "red = '\ufffd[31m'\t\ufffd]52;c;evil\ufffd\r\n")):
        monkeypatch.setattr(sys, "stdout", stream)
        show(text, nl=False)
        assert stream.getvalue() == expected


def test_json_is_escaped_where_it_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding, expected in (("utf-8", '"\u00e9"\n'), ("latin-1", '"\\u00e9"\n')):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        emit("\u00e9")
        stream.flush()
        assert stream.buffer.getvalue().decode(encoding) == expected


def test_a_folder_whose_name_begins_with_a_tilde_is_no_crash(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "~no-such-user"]) == 1
    assert capsys.readouterr().err == "kibitz: There is no file or folder ~no-such-user.\n"


def test_a_password_in_an_address_is_not_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://me:secret@gateway.example/v1")
    assert run(["config"]) == 0
    shown = capsys.readouterr().out
    assert "https://***@gateway.example/v1" in shown
    assert "secret" not in shown


def test_no_color_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert run(["config"]) == 0
    assert "base_url" in terminal.getvalue()
    assert "\x1b" not in terminal.getvalue()


def test_an_agent_is_not_given_a_whole_disk(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mcp")
    for root in (Path(Path.cwd().anchor), Path.home()):
        monkeypatch.chdir(root)
        assert run(["mcp"]) == 2
        assert "is no workspace: name one with --path." in capsys.readouterr().err
