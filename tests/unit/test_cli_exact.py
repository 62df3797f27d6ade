"""How the lines that an expression finds are shown."""

import pytest

from kibitz.indexer.grep import Grepped
from kibitz.indexer.types import Chunk, Hit, Span
from kibitz.server.cli.exact import grepped_json, notes, show_grepped

LINE = Hit(Chunk("src/a.py", Span(4, 5), "    retry()\r\n"), 1.0, ("regex",))


def test_lines_are_printed_as_grep_does_and_the_rest_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    show_grepped(Grepped((LINE,), 9, 2, {"gone": 1, "size": 2}, "limit"), 1)
    shown = capsys.readouterr()
    assert shown.out == "src/a.py:5:     retry()\n"
    assert shown.err.splitlines() == [
        "kibitz: there are more than 1 lines; -k shows more of them",
        "kibitz: files that may match and could not be searched: gone (1), size (2)",
    ]


def test_the_answer_in_json_says_how_much_was_looked_at() -> None:
    answer = grepped_json("retry", Grepped((LINE,), 9, 2, {"gone": 1}, "time"), 1.234, 0)
    assert answer["results"][0]["text"] == "    retry()"
    assert (answer["results"][0]["start_line"], answer["results"][0]["end_line"]) == (5, 5)
    assert {key: answer[key] for key in ("query", "ms", "lacking", "files", "searched", "skipped", "stopped")} == {
        "query": "retry",
        "ms": 1.23,
        "lacking": 0,
        "files": 9,
        "searched": 2,
        "skipped": {"gone": 1},
        "stopped": "time",
    }


def test_nothing_found_and_too_much_time_are_said() -> None:
    assert notes(Grepped((), 9, 0), 10) == ["Nothing found in 9 indexed files."]
    assert "took too long" in notes(Grepped((), 9, 3, {}, "time"), 10)[1]
