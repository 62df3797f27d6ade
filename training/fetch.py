"""Download and unpack the packages of sources.toml, one after another, through their registries' own clients.

    python training/fetch.py [--cache training/cache]

Needs pip, npm and, for the Debian packages, apt with source entries, dpkg and tar. A package that is no longer to be
had is reported and left out.
"""

import argparse
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Source:
    """A package of the manifest."""

    ecosystem: str
    name: str
    version: str
    licence: str
    held_out: bool = False

    @property
    def folder(self) -> str:
        """Where it is unpacked, below the cache's `packages`."""
        return f"{self.ecosystem}/{self.name.replace('@', '').replace('/', '-')}"


def read_manifest(path: Path = HERE / "sources.toml") -> list[Source]:
    """All packages of the manifest, without those that must not be trained on."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return [Source(ecosystem=key, **row) for key, rows in tables.items() for row in rows]


def _run(*command: str, cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True, capture_output=True, timeout=600)


def _download(source: Source, to: Path) -> None:
    pin = source.name, source.version
    match source.ecosystem:
        case "pypi":
            wheel = ("pip", "download", "--no-deps", "--only-binary", ":all:", "-d", ".", "==".join(pin))
            _run(sys.executable, "-m", *wheel, cwd=to)
        case "npm":
            _run("npm", "pack", "--silent", "--ignore-scripts", "@".join(pin), cwd=to)
        case "debian":
            _run("apt-get", "download", "=".join(pin), cwd=to)
        case "debian-source":
            _run("apt-get", "source", "--download-only", "--tar-only", "=".join(pin), cwd=to)
        case other:
            raise ValueError(f"unknown ecosystem: {other}")


def _unzip(archive: Path, to: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(to)


def _untar(archive: Path, to: Path) -> None:
    with tarfile.open(archive) as opened:
        opened.extractall(to, filter=_safe)


def _safe(member: tarfile.TarInfo, to: str) -> tarfile.TarInfo | None:
    """Leave links and whatever points outside behind."""
    if not (member.isfile() or member.isdir()):
        return None
    try:
        return tarfile.data_filter(member, to)
    except tarfile.FilterError:
        return None


def _undeb(archive: Path, to: Path) -> None:
    _run("dpkg-deb", "-x", str(archive.resolve()), str(to.resolve()), cwd=to)


UNPACK: tuple[tuple[str, Callable[[Path, Path], None]], ...] = (
    (".whl", _unzip),
    (".tgz", _untar),
    (".deb", _undeb),
    (".tar.gz", _untar),
    (".tar.xz", _untar),
    (".tar.bz2", _untar),
)


def fetch(source: Source, cache: Path) -> None:
    """Download one package if the cache has not got it, and unpack it."""
    downloads, unpacked = cache / "downloads" / source.folder, cache / "packages" / source.folder
    if unpacked.exists():
        return
    downloads.mkdir(parents=True, exist_ok=True)
    if not any(downloads.iterdir()):
        _download(source, downloads)
    partial = unpacked.with_name(unpacked.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for archive in sorted(downloads.iterdir()):
        unpack = next((do for ending, do in UNPACK if archive.name.endswith(ending)), None)
        if unpack is not None and ".debian.tar" not in archive.name:
            unpack(archive, partial)
    partial.rename(unpacked)


def main() -> None:
    """Fetch all, and say what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=HERE / "cache")
    cache: Path = parser.parse_args().cache
    for source in read_manifest():
        try:
            fetch(source, cache)
        except (subprocess.SubprocessError, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
            print(f"left out: {source.folder} {source.version}: {error}", flush=True)


if __name__ == "__main__":
    main()
