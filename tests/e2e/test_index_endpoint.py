"""An index whose vectors come from an endpoint that is busy, slow and asked no question twice."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.openai_server import FakeOpenAI, Reply

FILES = {
    f"part{number}.py": f"def only_in_{number}():\n    return {number}\n\n\nclass Holder{number}:\n    pass\n"
    for number in range(6)
}


def environment(tmp_path: Path, server: FakeOpenAI) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("KIBITZ_", "OPENAI_"))}
    return plain | {
        "KIBITZ_CONFIG": str(tmp_path / "none.toml"),
        "KIBITZ_CACHE_DIR": str(tmp_path / "cache"),
        "KIBITZ_BASE_URL": server.url,
        "KIBITZ_API_KEY": "k",
        "KIBITZ_EMBEDDING_MODEL": "embedder-1",
    }


def kibitz(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kibitz.server", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


def asked(server: FakeOpenAI) -> list[str]:
    """All texts that were embedded for the index, in order."""
    bodies = [request.body for request in server.requests if request.path.endswith("/embeddings")]
    texts = [text for body in bodies for text in body["input"]]
    return [text for text in texts if text.startswith("part")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def test_a_busy_endpoint_is_waited_for_and_the_wait_is_told(root: Path, tmp_path: Path) -> None:
    busy = Reply(at="embeddings", when="only_in_", status=429, retry_after="1")
    with FakeOpenAI([busy, busy], models=("embedder-1",), embedding_dim=8) as server:
        env = environment(tmp_path, server)
        done = kibitz("index", str(root), "--json", env=env)
        assert done.returncode == 0, done.stderr
        events: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
        assert any(event.get("phase") == "wait" and event["done"] >= 1 for event in events)
        report = events[-1]
        assert (report["files"], report["embedded_chunks"], report["lacking"]) == (6, report["chunks"], 0)
        found = json.loads(kibitz("search", "--path", str(root), "--json", "only_in_3", env=env).stdout)
        assert found["results"][0]["path"] == "part3.py"
        assert found["lacking"] == 0


def test_words_are_searched_while_vectors_lack_and_nothing_is_asked_for_twice(root: Path, tmp_path: Path) -> None:
    busy = Reply(at="embeddings", when="only_in_0", status=429, retry_after="50")
    with FakeOpenAI([busy], models=("embedder-1",), embedding_dim=8) as server:
        env = environment(tmp_path, server)
        command = [sys.executable, "-m", "kibitz.server", "index", str(root), "--json"]
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if json.loads(line).get("phase") == "wait":
                    break
            process.kill()
        found = json.loads(kibitz("search", "--path", str(root), "--json", "only_in_3", env=env).stdout)
        assert found["results"][0]["path"] == "part3.py"
        assert found["lacking"] == 6
        before = len(asked(server))
        report = json.loads(kibitz("index", str(root), "--json", env=env).stdout.splitlines()[-1])
        assert (report["parsed_files"], report["embedded_chunks"], report["lacking"]) == (0, 6, 0)
        assert len(asked(server)) == before + 6
        (root / "part0.py").rename(root / "moved.py")
        again = json.loads(kibitz("index", str(root), "--json", env=env).stdout.splitlines()[-1])
        assert (again["parsed_files"], again["lacking"]) == (1, 0)
