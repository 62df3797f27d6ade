"""The plan of a round: amounts, estimates and the cost."""

import json
from pathlib import Path

import pytest

from kibitz.indexer.plan import Amount, paths_of, plan, tokens_in
from kibitz.server.cli import run
from tests.fakes.embedder import HashEmbedder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIBITZ_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("KIBITZ_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "work"
    for path, size in {"a.py": 8_000, "b.py": 4_000, "c.md": 390, "d.png": 70, "node_modules/x.js": 9}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x" * size)
    return root


def test_a_plan_has_amounts_by_language_and_by_rule(root: Path, tmp_path: Path) -> None:
    planned = plan(root, cache_dir=tmp_path / "cache", embedder=HashEmbedder())
    assert planned.by_language == {"python": Amount(2, 12_000, 3_000), "markdown": Amount(1, 390, 100)}
    assert planned.by_rule["binary"].bytes == 70
    assert planned.by_rule["vendored"] == Amount(folders=1)
    assert planned.total == planned.todo == Amount(3, 12_390, 3_100)
    assert planned.warning is None


def test_the_paths_of_a_language_and_of_a_rule_are_what_was_counted(root: Path, tmp_path: Path) -> None:
    def of(rule: str = "", language: str = "") -> list[str]:
        cache, embedder = tmp_path / "cache", HashEmbedder()
        return paths_of(root, cache_dir=cache, embedder=embedder, rule=rule, language=language)

    assert of(language="python") == ["a.py", "b.py"]
    assert of(rule="vendored") == ["node_modules/"]
    assert of(rule="binary") == ["d.png"]
    assert of(rule="minified") == of(language="rust") == of(language="") == []


def test_seconds_grow_with_bytes(root: Path, tmp_path: Path) -> None:
    (root / "big.py").write_bytes(b"x" * 900_000)
    assert plan(root, cache_dir=tmp_path / "cache", embedder=HashEmbedder()).total.seconds == 0.2


def test_tokens_are_estimated_by_the_kind_of_language() -> None:
    assert tokens_in("a.json", 1_000) > tokens_in("a.py", 1_000) > tokens_in("NOTES", 1_000) > 200


def asked(root: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["index", str(root), "--plan", *arguments]) == 0
    return capsys.readouterr().out


def test_the_built_in_embedder_sends_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planned = json.loads(asked(root, capsys, "--json"))
    assert (planned["sent_tokens"], planned["cost"]) == (0, 0.0)
    assert planned["by_language"]["python"] == {
        "files": 2,
        "bytes": 12_000,
        "tokens": 3_000,
        "seconds": 0.0,
        "folders": 0,
    }
    shown = asked(root, capsys)
    assert "nothing is sent" in shown
    assert "1 folders" in shown


@pytest.mark.parametrize("priced", [("", None, "set embedding_price"), ("20", 0.062, "0.0620 at 20 a")])
def test_an_endpoint_is_sent_what_there_is_to_do(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    priced: tuple[str, float | None, str],
) -> None:
    from kibitz.server.app import App

    price, cost, said = priced
    monkeypatch.setattr(App, "embedder", lambda self: HashEmbedder())
    monkeypatch.setenv("KIBITZ_EMBEDDING_MODEL", "embedder-1")
    monkeypatch.setenv("KIBITZ_EMBEDDING_PRICE", price)
    planned = json.loads(asked(root, capsys, "--json"))
    assert planned["sent_tokens"] == 3_100
    assert planned["cost"] == (cost if cost is None else pytest.approx(cost))
    shown = asked(root, capsys)
    assert "about 3100 tokens are sent to embedder-1" in shown
    assert said in shown


def test_a_plan_and_the_status_warn_of_a_missing_language(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / ".kibitzignore").write_text("*.dart\n")
    for number in range(5):
        (root / f"{number}.dart").write_text("x")
    warning = "Most source files here are Dart, but 5 of these 5 are left out, most by the rule ignored:.kibitzignore."
    assert f"Warning: {warning}\n" in asked(root, capsys)
    assert json.loads(asked(root, capsys, "--json"))["warning"] == warning
    assert run(["index", str(root)]) == 0
    assert f"Warning: {warning}\n" in capsys.readouterr().out
    assert run(["status", str(root)]) == 0
    shown = capsys.readouterr().out
    assert f"Warning    {warning}\n" in shown
    assert "MB table" in shown


def test_the_state_of_a_file_is_shown(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", str(root / "d.png"), "--path", str(root)]) == 0
    shown = capsys.readouterr().out
    assert "Index      no" in shown
    assert "Left out   binary, its name or size: it is no text" in shown
    assert run(["status", str(root / "a.py"), "--path", str(root), "--json"]) == 0
    state = json.loads(capsys.readouterr().out)
    assert (state["path"], state["indexed"], state["rule"], state["size"]) == ("a.py", False, "", 8_000)
