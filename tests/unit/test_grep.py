"""Regular expressions over the indexed files."""

from pathlib import Path

import pytest

from kibitz.indexer.grep import PatternError, grep
from kibitz.indexer.lines import MAX_LINE_CHARS


def test_every_matching_line_is_a_hit_in_the_order_of_paths(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f():\r\n    return g()\r\n", encoding="utf-8", newline="")
    (tmp_path / "b.py").write_text("x = f\n\f\ndef g(): ...\n", encoding="utf-8")
    hits = grep(tmp_path, ["a.py", "b.py"], r"def \w\(\)", 10)
    assert [(hit.chunk.path, hit.chunk.span.start, hit.chunk.text) for hit in hits] == [
        ("a.py", 0, "def f():\r\n"),
        ("b.py", 2, "def g(): ...\n"),
    ]


def test_an_end_of_line_anchor_works_with_any_line_end(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\r\ntwo\n", encoding="utf-8", newline="")
    assert len(grep(tmp_path, ["a.py"], "(one|two)$", 10)) == 2


def test_it_stops_at_k_and_passes_over_a_file_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x\n" * 9, encoding="utf-8")
    assert len(grep(tmp_path, ["gone.py", "a.py"], "x", 4)) == 4


def test_a_wrong_expression_is_a_sentence() -> None:
    with pytest.raises(PatternError, match="is not a regular expression"):
        grep(Path(), [], "(", 1)


def test_a_very_long_line_is_cut_where_it_is_shown(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = '" + "y" * 90_000 + "'\nx\n", encoding="utf-8")
    hits = grep(tmp_path, ["a.py"], "x|'$", 10)
    assert [len(hit.chunk.text) for hit in hits] == [MAX_LINE_CHARS + 1, 2]
