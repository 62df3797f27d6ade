"""The blocks of docs/editors.md for editors that no test runs: at least they can be read by what will read them."""

import json
import re
import tomllib
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "editors.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_helix_gets_a_server_and_a_language_that_uses_it() -> None:
    (settings,) = map(tomllib.loads, blocks("toml"))
    (server,) = settings["language-server"].items()
    assert server == ("kibitz", {"command": "kibitz", "args": ["serve"]})
    assert all("kibitz" in language["language-servers"] for language in settings["language"])


def test_every_json_block_starts_one_of_our_commands() -> None:
    sublime, zed = map(json.loads, blocks("json"))
    assert sublime["clients"]["kibitz"]["command"] == ["kibitz", "serve"]
    assert zed["context_servers"]["kibitz"] == {"command": "kibitz", "args": ["mcp"]}
