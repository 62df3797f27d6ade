"""A terminal of its own for one program: typed into, read, and pictured with its colours."""

import os
import re
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

WAIT_S = 30.0
SIZE = (96, 26)

# Fonts of the machine alone: a picture in the documents asks nobody for anything.
_PICTURE = """\
<svg viewBox="0 0 {terminal_width} {terminal_height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px; }}
{styles}
</style>
<rect width="100%" height="100%" rx="8" fill="#292929"/>
<g transform="translate(9, 9)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class Terminal:
    """What tmux shows of one program; everything that was started ends with it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._tmux = ("tmux", "-u", "-S", str(folder / "tmux"), "-f", "/dev/null")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)

    def start(self, command: Sequence[str], environment: Mapping[str, str], cwd: Path) -> None:
        """Run a command in a new terminal."""
        given = {**environment, "LC_ALL": "C.UTF-8", "COLORTERM": "truecolor"}
        variables = [f"{name}={value}" for name, value in given.items() if name not in {"TERM", "TMUX"}]
        line = shlex.join(["env", "-i", *variables, "TERM=xterm-256color", *command])
        columns, rows = map(str, SIZE)
        here = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
        session = ("new-session", "-d", "-x", columns, "-y", rows, "-c", str(cwd), line)
        subprocess.run([*self._tmux, *session], env=here, check=True)
        self._ask("set", "-s", "escape-time", "0")

    def type(self, text: str) -> None:
        """Type characters as they are."""
        self._ask("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names: Enter, Tab, M-Right, C-c."""
        self._ask("send-keys", *keys)

    def escape(self) -> None:
        """Press Escape, with the pause that tells it from Alt."""
        self.press("Escape")
        time.sleep(0.1)

    def screen(self) -> str:
        """What stands on the screen, without blanks at the ends of lines."""
        return "\n".join(row.rstrip() for row in self._ask("capture-pane", "-p").splitlines()).rstrip("\n") + "\n"

    def wait(self, pattern: str) -> str:
        """Wait until a regular expression is on the screen; return the screen, or raise with it."""
        until = time.monotonic() + WAIT_S
        while re.search(pattern, screen := self.screen()) is None:
            if time.monotonic() > until:
                raise AssertionError(f"waited in vain for {pattern!r} on this screen:\n{screen}")
            time.sleep(0.03)
        return screen

    def picture(self) -> str:
        """The screen with its colours, as an SVG."""
        from io import StringIO

        from rich.console import Console
        from rich.terminal_theme import SVG_EXPORT_THEME
        from rich.text import Text

        console = Console(record=True, width=SIZE[0], file=StringIO(), force_terminal=True, color_system="truecolor")
        console.print(Text.from_ansi(self._ask("capture-pane", "-p", "-e")), no_wrap=True, crop=True)
        drawn = console.export_svg(theme=SVG_EXPORT_THEME, code_format=_PICTURE, font_aspect_ratio=0.6, unique_id="k")
        return re.sub(r' clip-path="[^"]*"', "", drawn)

    def _ask(self, *arguments: str) -> str:
        ran = subprocess.run([*self._tmux, *arguments], capture_output=True, encoding="utf-8", check=True)
        return ran.stdout
