"""Look inside the built sdist and wheel: what git knows of, the licence and the version, and nothing else.

usage: check_dist.py FOLDER
"""

import re
import subprocess
import sys
import tarfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("indexer", "prompts", "server")
OF_WHEEL = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
OF_SDIST = {".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}


def main(folder: Path) -> str | None:
    """Say what is wrong, or None."""
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    said = (ROOT / "server" / "__init__.py").read_text(encoding="utf-8")
    version = re.findall(r'^__version__ = "(.+)"', said, re.MULTILINE)[0]
    stem = f"kibitz-{version}"
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
        metadata = HeaderParser().parsestr(archive.read(f"{stem}.dist-info/METADATA").decode())
        licences = [archive.read(f"{stem}.dist-info/licenses/LICENSE")]
    with tarfile.open(sdist) as opened:
        in_sdist = {name.removeprefix(f"{stem}/") for name in opened.getnames()}
        licences += [file.read() for file in [opened.extractfile(f"{stem}/LICENSE")] if file]
    wrong = [
        *_differ(wheel, in_wheel, {f"kibitz/{name}" for name in _tracked(*PACKAGES)}, OF_WHEEL, f"{stem}.dist-info/"),
        *_differ(sdist, in_sdist, _tracked(*PACKAGES, "tests"), OF_SDIST, ""),
    ]
    if licences != [(ROOT / "LICENSE").read_bytes()] * 2 or metadata["License-Expression"] != "Apache-2.0":
        wrong.append("the licence differs")
    if metadata["Version"] != version:
        wrong.append(f"the wheel is of {metadata['Version']}, not {version}")
    if wrong:
        return "; ".join(wrong)
    sizes = f"{len(in_wheel)} files, {wheel.stat().st_size / 1e6:.1f} MB"
    sys.stdout.write(f"{wheel.name}: {sizes}; sdist {len(in_sdist)} files, {sdist.stat().st_size / 1e6:.1f} MB\n")
    return None


def _differ(archive: Path, found: set[str], sources: set[str], own: set[str], below: str) -> list[str]:
    wanted = sources | {below + name for name in own}
    stray, missing = sorted(found - wanted), sorted(wanted - found)
    return [f"{archive.name}: not ours {stray}, missing {missing}"] if stray or missing else []


def _tracked(*folders: str) -> set[str]:
    command = ["git", "-C", str(ROOT), "ls-files", "-z", *folders]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")) - {""}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
