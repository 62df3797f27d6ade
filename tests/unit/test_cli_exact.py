"""How the lines that an expression finds are shown."""

import pytest

from kibitz.indexer.grep import Grepped
from kibitz.indexer.types import Chunk, Hit, Span
from kibitz.server.cli.exact import grepped_json, show_line
from kibitz.server.searching import unsearched

LINE = Hit(Chunk("src/a.py", Span(4, 5), "    retry()\r\n"), 1.0, ("regex",))


def test_a_line_is_printed_as_grep_does(capsys: pytest.CaptureFixture[str]) -> None:
    show_line(LINE)
    assert capsys.readouterr().out == "src/a.py:5:     retry()\n"


def test_what_was_not_looked_at_is_said() -> None:
    assert unsearched(Grepped((LINE,), 9, 2, {"gone": 1, "size": 2}, "limit")) == (
        "There are more than 1 lines that match.",
        "Files that may match and could not be searched: gone (1), size (2).",
    )
    assert "took too long" in unsearched(Grepped((), 9, 3, {}, "time"))[0]
    assert unsearched(Grepped((LINE,), 9, 9)) == ()


def test_the_answer_in_json_says_how_much_was_looked_at() -> None:
    assert grepped_json(Grepped((LINE,), 9, 2, {"gone": 1}, "time")) == {
        "files": 9,
        "searched": 2,
        "skipped": {"gone": 1},
        "stopped": "time",
    }
