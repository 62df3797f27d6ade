"""Write the server's settings into the VS Code extension's manifest, as one object with their own names.

Left out are keys, which belong into the secret storage, the program's own folders, and what has a setting of its own.
usage: extension_settings.py [--check]
"""

import json
import sys
from pathlib import Path
from typing import Any

from kibitz.server.config import SETTINGS, Config

MANIFEST = Path(__file__).parents[1] / "vscode-extension" / "package.json"
NAME = "kibitz.server.settings"
OWN = {"base_url", "chat_model", "completion_model", "ignore", "trusted", "cache_dir", "data_dir"}
TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def schema() -> dict[str, Any]:
    """The setting as the editor wants it."""
    properties = {}
    for name, setting in SETTINGS.items():
        if name in OWN or setting.metadata["secret"]:
            continue
        help_text = setting.metadata["help"]
        shape: dict[str, Any] = {"type": TYPES[setting.type]} if setting.type in TYPES else _strings()
        if name != "workers":  # which depends on the machine
            default = getattr(Config(), name)
            shape["default"] = list(default) if isinstance(default, tuple) else default
        properties[name] = {**shape, "description": help_text[0].upper() + help_text[1:] + "."}
    return {
        "order": 8,
        "scope": "machine",
        "type": "object",
        "additionalProperties": False,
        "default": {},
        "markdownDescription": "Further settings of the server, by its own names.",
        "properties": properties,
    }


def _strings() -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}}


def main() -> str | None:
    """Write the manifest; with --check say whether it would change."""
    text = MANIFEST.read_text(encoding="utf-8")
    manifest = json.loads(text)
    settings = manifest["contributes"]["configuration"]["properties"]
    if "--check" in sys.argv:
        return None if settings.get(NAME) == schema() else "run python scripts/extension_settings.py"
    line = f'        "{NAME}": {json.dumps(schema())}'
    rows = [row for row in text.split("\n") if not row.startswith(f'        "{NAME}"')]
    end = next(at for at, row in enumerate(rows) if row == "      }" and rows[at + 1] == "    }")
    rows[end - 1] = rows[end - 1].rstrip(",") + ","
    MANIFEST.write_text("\n".join([*rows[:end], line, *rows[end:]]), encoding="utf-8")
    return None


if __name__ == "__main__":
    sys.exit(main())
