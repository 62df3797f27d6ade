"""Check before a release that the program, the extension, the changelogs and what the pages name are of one version."""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> str | None:
    """Say what differs, or None."""
    said = (ROOT / "server" / "__init__.py").read_text(encoding="utf-8")
    version = re.findall(r'^__version__ = "(.+)"', said, re.MULTILINE)[0]
    extension = ROOT / "vscode-extension"
    found = {
        f"vscode-extension/{name}": json.loads((extension / name).read_text(encoding="utf-8"))["version"]
        for name in ("package.json", "package-lock.json")
    }
    for changelog in (ROOT / "CHANGELOG.md", extension / "CHANGELOG.md"):
        newest = re.search(r"^## \[?(\d\S*?)\]?(?:\s|$)", changelog.read_text(encoding="utf-8"), re.MULTILINE)
        found[str(changelog.relative_to(ROOT))] = newest[1] if newest else "none"
    for page in (ROOT / "README.md", extension / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for named in re.findall(r"kibitz-(\d[\d.]*\d)\.vsix", page.read_text(encoding="utf-8")):
            found[str(page.relative_to(ROOT))] = named
    others = [f"{name} has {each}" for name, each in found.items() if each != version]
    return f"server/__init__.py has {version}, {', '.join(others)}" if others else None


if __name__ == "__main__":
    sys.exit(main())
