import pytest

from kibitz.server.edit.answer import Block, Rewrite, parse_answer
from kibitz.server.errors import EditError


def test_a_fenced_block_is_the_rewrite() -> None:
    answer = "Here it is:\n```python\nx = 1\n```\nThat should do.\n"
    assert parse_answer(answer) == Rewrite("x = 1\n")


def test_a_longer_fence_holds_shorter_ones() -> None:
    assert parse_answer("````py\n'''\n```\n'''\n````") == Rewrite("'''\n```\n'''\n")


def test_a_fence_with_a_language_inside_a_block_is_nested() -> None:
    answer = '```python\n"""Use:\n\n```sh\nrun\n```\n"""\n```\n'
    assert parse_answer(answer) == Rewrite('"""Use:\n\n```sh\nrun\n```\n"""\n')


def test_in_markdown_the_outermost_fences_count() -> None:
    answer = "```\n# Title\n```\ncode\n```\nend\n```\n"
    assert parse_answer(answer, language="markdown") == Rewrite("# Title\n```\ncode\n```\nend\n")


def test_a_model_may_think_first() -> None:
    assert parse_answer("<think>\n```\nno\n```\n</think>\n```\nyes\n```") == Rewrite("yes\n")


def test_the_same_block_said_twice_is_one() -> None:
    assert parse_answer("```\nx\n```\nthat is\n```\nx\n```\n") == Rewrite("x\n")


def test_search_and_replace_blocks_are_read_with_their_path() -> None:
    answer = """\
I will change two places.

src/app.py
```python
<<<<<<< SEARCH
a = 1
=======
a = 2
>>>>>>> REPLACE
```

<<<<<<< SEARCH
gone
=======
>>>>>>> REPLACE
"""
    assert parse_answer(answer) == (Block("a = 1\n", "a = 2\n", "src/app.py"), Block("gone\n", "", ""))


def test_windows_line_ends_in_an_answer_do_not_matter() -> None:
    answer = "<<<<<<< SEARCH\r\na\r\n=======\r\nb\r\n>>>>>>> REPLACE\r\n"
    assert parse_answer(answer) == (Block("a\n", "b\n"),)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("I cannot do that.", "without a code block"),
        ("", "without a code block"),
        ("```\nx = 1\n", "breaks off inside a code block"),
        ("```\na\n```\nor\n```\nb\n```\n", "2 code blocks"),
        ("<<<<<<< SEARCH\na\n=======\nb\n", "breaks off inside a SEARCH/REPLACE"),
        ("<<<<<<< SEARCH\na\n>>>>>>> REPLACE\n", "malformed"),
        ("<<<<<<< SEARCH\na\n=======\nb\n<<<<<<< SEARCH\nc\n", "malformed"),
    ],
)
def test_what_is_not_clearly_an_edit_is_refused(answer: str, sentence: str) -> None:
    with pytest.raises(EditError, match=sentence):
        parse_answer(answer)


def test_a_heading_underlined_with_equals_signs_is_no_divider() -> None:
    answer = "<<<<<<< SEARCH\nTitle\n=====\nold\n=======\nTitle\n=====\nnew\n>>>>>>> REPLACE\n"
    assert parse_answer(answer) == (Block("Title\n=====\nold\n", "Title\n=====\nnew\n"),)


def test_a_heading_that_could_be_the_divider_is_refused() -> None:
    answer = "<<<<<<< SEARCH\nInstall\n=======\nold\n=======\nInstall\n=======\nnew\n>>>>>>> REPLACE\n"
    with pytest.raises(EditError, match="malformed"):
        parse_answer(answer)
