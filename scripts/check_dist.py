"""Look inside the built sdist and wheel: the three packages, their data, and nothing that does not belong.

usage: check_dist.py FOLDER
"""

import sys
import tarfile
import zipfile
from pathlib import Path

WANTED = (
    "kibitz/server/cli/__init__.py",
    "kibitz/server/py.typed",
    "kibitz/indexer/index.py",
    "kibitz/indexer/embed/static.npz",
    "kibitz/indexer/py.typed",
    "kibitz/prompts/render.py",
    "kibitz/prompts/page.css",
    "kibitz/prompts/page.js",
    "kibitz/prompts/py.typed",
)
TOP_LEVEL = "kibitz"


def main(folder: Path) -> str | None:
    """Say what is wrong, or None."""
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    strangers = {name.split("/")[0] for name in names} - {TOP_LEVEL, wheel.name.split("-py3")[0] + ".dist-info"}
    missing = [name for name in WANTED if name not in names]
    with tarfile.open(sdist) as archive:
        inside = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    missing += [name for name in WANTED if name.removeprefix("kibitz/") not in inside]
    if missing or strangers:
        return f"missing: {missing}; not ours: {sorted(strangers)}"
    sys.stdout.write(
        f"{wheel.name}: {len(names)} files, {wheel.stat().st_size / 1e6:.1f} MB; sdist {len(inside)} files\n"
    )
    return None


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
