"""Answers as they come: in pieces, as diffs, with what models add and leave out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.server.edit.answer import Rewrite, parse_answer
from kibitz.server.edit.block import Block, unnumbered
from kibitz.server.edit.reader import AnswerReader
from kibitz.server.errors import EditError

TWO_BLOCKS = """\
<think>
<<<<<<< SEARCH
</think>
First this:
src/a.py
```python
<<<<<<< SEARCH
a
=======
b
>>>>>>> REPLACE
```
then
<<<<<<< SEARCH
c
=======
>>>>>>> REPLACE
"""
DIFF = """\
```diff
--- a/src/a.py
+++ b/src/a.py
@@ -1,9 +1,2 @@ def f():
 x = 1
-y = 2
+y = 3

@@ -40 +50 @@
-gone
\\ No newline at end of file
```
Done.
"""
PIECES = st.lists(st.integers(1, 9), min_size=1, max_size=40)


@given(PIECES, st.sampled_from([TWO_BLOCKS, DIFF]), st.sampled_from(["\n", "\r\n", "\r"]))
def test_where_an_answer_is_cut_into_pieces_does_not_matter(sizes: list[int], text: str, end: str) -> None:
    reader, sent, at = AnswerReader(), text.replace("\n", end), 0
    told: list[Block] = []
    while at < len(sent):
        size = sizes[at % len(sizes)]
        told += reader.feed(sent[at : at + size])
        at += size
    assert reader.finish() == parse_answer(text)
    assert tuple(told) == tuple(reader.blocks)[: len(told)]


def test_a_block_is_told_as_soon_as_it_is_finished() -> None:
    reader = AnswerReader()
    text, rest = TWO_BLOCKS.split("then\n")
    assert reader.feed(text) == (Block("a\n", "b\n", "src/a.py"),)
    assert reader.feed(rest) == (Block("c\n", ""),)


@given(st.integers(0, len(TWO_BLOCKS) - 1) | st.integers(0, len(DIFF) - 1), st.sampled_from([TWO_BLOCKS, DIFF]))
def test_what_is_not_finished_is_no_edit(at: int, text: str) -> None:
    reader = AnswerReader()
    reader.feed(text[:at])
    whole = parse_answer(text)
    assert isinstance(whole, tuple)
    assert tuple(reader.blocks) == whole[: len(reader.blocks)]
    try:
        blocks = reader.finish()
    except EditError:
        return
    assert blocks == whole[: len(blocks)]


def test_a_diff_s_numbers_and_counts_are_not_believed() -> None:
    assert parse_answer(DIFF) == (
        Block("x = 1\ny = 2\n", "x = 1\ny = 3\n", "src/a.py"),
        Block("gone\n", "", "src/a.py"),
    )


def test_a_diff_without_heads_is_read_in_a_fence_that_says_so() -> None:
    assert parse_answer("```diff\n a\n-b\n+c\n```\n") == (Block("a\nb\n", "a\nc\n"),)


def test_a_diff_without_a_fence_ends_where_prose_begins() -> None:
    answer = "--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n\n- this is a list\n"
    assert parse_answer(answer) == (Block("a\nb\n", "a\nc\n", "x.py"),)


def test_a_diff_without_a_fence_that_is_shorter_than_it_says_has_broken_off() -> None:
    with pytest.raises(EditError, match="breaks off inside a diff"):
        parse_answer("@@ -1,4 +1,4 @@\n a\n-b\n+c\n")


def test_a_diff_of_two_files_names_each() -> None:
    hunk = "@@ -1 +1 @@\n-a\n+b\n"
    answer = f"```diff\n--- a/x.py\n+++ b/x.py\n{hunk}--- a/y.py\n+++ b/y.py\n{hunk}```\n"
    assert parse_answer(answer) == (Block("a\n", "b\n", "x.py"), Block("a\n", "b\n", "y.py"))


def test_a_file_is_not_deleted() -> None:
    with pytest.raises(EditError, match="wants to delete"):
        parse_answer("--- a/x.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n")


def test_context_without_its_blank_is_read_as_it_stands() -> None:
    assert parse_answer("```diff\n@@ @@\ndef f():\n-    a\n+    b\n```\n") == (
        Block("def f():\n    a\n", "def f():\n    b\n"),
    )
    assert parse_answer("```diff\n@@ @@\n    a\n-    b\n```\n") == (Block("    a\n    b\n", "    a\n"),)


def test_code_may_hold_what_looks_like_a_block_or_a_diff() -> None:
    code = 'TEXT = """\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n@@ -1 +1 @@\n-a\n"""\n'
    assert parse_answer(f"```python\n{code}```\n") == Rewrite(code)


def test_line_numbers_are_another_reading() -> None:
    answer = "<<<<<<< SEARCH\n 9| a\n10|   b\n=======\n 9| c\n>>>>>>> REPLACE\n"
    (block,) = parse_answer(answer)  # type: ignore[misc]
    assert block.others == (("a\n  b\n", "c\n"),)


@pytest.mark.parametrize("text", ["1: a\n3: b\n", "1: a\nb\n", "1: a\n2| b\n", "a\n", "", "\n"])
def test_what_does_not_count_up_is_no_line_number(text: str) -> None:
    assert unnumbered(text) is None
