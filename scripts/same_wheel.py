"""Compare two wheels file by file.

usage: same_wheel.py WHEEL WHEEL
"""

import sys
import zipfile
from pathlib import Path


def main(one: Path, other: Path) -> str | None:
    """Say which files differ, or None."""
    first, second = _contents(one), _contents(other)
    differing = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    return f"{one.name} from the sdist and from the sources differ in {differing}" if differing else None


def _contents(wheel: Path) -> dict[str, int]:
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist()}


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
