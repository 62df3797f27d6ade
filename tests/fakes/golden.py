"""The golden cases of completion: a document with its cursor, the model's answer, what is shown.

One file a language, whose name is the language; a case is::

    === what it is about
    foo(║)
    --- model
    x)
    --- shown
    x

Parts are joined without a line end after their last line; a part without lines is empty. `␍`, `␉` and `␠` stand for a
carriage return, a tab and a blank where a plain one would not be seen, or be tidied away.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kibitz.server.completion.snapshot import Snapshot
from tests.fakes.cursor import at_cursor

FOLDER = Path(__file__).parent.parent / "golden" / "completion"
_VISIBLE = str.maketrans({"␍": "\r", "␉": "\t", "␠": " "})
ENDINGS = {"python": "py", "javascript": "js", "typescript": "ts", "rust": "rs", "ruby": "rb", "markdown": "md"}


@dataclass(frozen=True, slots=True)
class Case:
    """One case."""

    name: str
    at: Snapshot
    model: str
    shown: str


def cases() -> Iterator[Case]:
    """Read all files."""
    for file in sorted(FOLDER.glob("*.txt")):
        language = file.stem
        path = f"a.{ENDINGS.get(language, language)}"
        for block in file.read_text(encoding="utf-8").removeprefix("=== ").removesuffix("\n").split("\n\n=== "):
            title, rest = block.split("\n", 1)
            document, rest = rest.split("\n--- model\n")
            model, shown = ("\n" + rest).split("\n--- shown")
            parts = (part.removeprefix("\n").translate(_VISIBLE) for part in (document, model, shown))
            drawn, model, shown = parts
            yield Case(f"{language}: {title}", at_cursor(drawn, language, path), model, shown)
