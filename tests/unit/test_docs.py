"""The documentation says what the program does."""

import dataclasses
import re
from pathlib import Path

import pytest

from kibitz.server.cli import COMMANDS
from kibitz.server.config import SETTINGS

CLI = Path(__file__).parents[2] / "docs" / "cli.md"
pytestmark = pytest.mark.skipif(not CLI.exists(), reason="the documentation is not in the wheel")


def test_every_setting_is_documented_with_its_default() -> None:
    text = CLI.read_text(encoding="utf-8")
    for name, field in SETTINGS.items():
        default = "" if field.default in ("", (), dataclasses.MISSING) else str(field.default)
        default = default.lower() if isinstance(field.default, bool) else default
        assert f"| `{name}` | {default} | {field.metadata['help']}" in text


def test_every_command_is_documented() -> None:
    text = CLI.read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"kibitz {name}" not in text] == []


def test_the_example_of_the_prompts_runs() -> None:
    text = (CLI.parent / "prompts.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(?!>>>)(.*?)```", text, re.DOTALL)  # the others are a session's
    exec(compile(example, "prompts.md", "exec"), {})
