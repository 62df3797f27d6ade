import pytest

from kibitz.server.edit.change import Edit
from kibitz.server.edit.gate import Proposal, check, is_placeholder
from kibitz.server.edit.syntax import count_syntax_errors
from kibitz.server.errors import EditError

LONG = "".join(f"def f{number}():\n    return {number}\n\n\n" for number in range(12))


def refuse(old: str, new: str, *, path: str = "a.py", instruction: str = "", whole_rewrite: bool = False) -> str:
    with pytest.raises(EditError) as refused:
        check(Proposal(Edit(path, old, new), instruction=instruction, whole_rewrite=whole_rewrite))
    return str(refused.value)


def passes(old: str, new: str, *, path: str = "a.py", instruction: str = "", whole_rewrite: bool = False) -> bool:
    edit = Edit(path, old, new)
    return check(Proposal(edit, instruction=instruction, whole_rewrite=whole_rewrite)) is edit


def test_an_ordinary_edit_passes() -> None:
    assert passes("x = 1\n", "x = 2\n")


def test_an_edit_that_changes_nothing_is_refused() -> None:
    assert "changed nothing" in refuse("x = 1\n", "x = 1\n")


def test_a_file_is_not_emptied() -> None:
    assert "empty" in refuse("x = 1\n", "\n")


@pytest.mark.parametrize(
    "line",
    [
        "# ... rest of the code",
        "    # ... existing code ...",
        "// ...",
        "// rest of the function remains the same",
        "/* ... other methods unchanged ... */",
        "<!-- rest of the document -->",
        "-- remaining code omitted",
        "# (rest of the implementation is unchanged)",
        "... rest of the code",
        "# existing code",
        "{/* ... existing code ... */}",
        "# … more handlers here",
        "// keep existing code",
    ],
)
def test_a_line_that_stands_for_left_out_code_is_recognised(line: str) -> None:
    assert is_placeholder(line)


@pytest.mark.parametrize(
    "line",
    [
        "...",
        "def f(): ...",
        "# existing code paths are kept apart from new ones",
        "# The rest of the arguments go to the subprocess.",
        "return rest",
        "#!/usr/bin/env python",
        "# see the remaining tests in test_rest.py",
        "args = [...]",
        "x = 1  # unchanged",
        "# unchanged since 2019: the wire format",
        "",
    ],
)
def test_ordinary_lines_are_no_placeholders(line: str) -> None:
    assert not is_placeholder(line)


def test_code_that_the_model_left_out_is_noticed() -> None:
    said = refuse("def f():\n    a()\n    b()\n", "def f():\n    log()\n    # ... rest of the code\n")
    assert '"# ... rest of the code"' in said


def test_a_placeholder_that_was_there_before_may_stay() -> None:
    assert passes("x = 1\n# ...\n", "x = 2\n# ...\n")


def test_most_of_a_file_is_not_deleted_unasked() -> None:
    shorter = LONG[: len(LONG) // 3]
    assert "take" in refuse(LONG, shorter, instruction="rename f1 to g1")
    assert passes(LONG, shorter, instruction="Remove the functions that nothing calls")


def test_an_excerpt_does_not_take_the_place_of_the_file() -> None:
    lines = LONG.splitlines(keepends=True)
    excerpt = "".join(lines[16:]).replace("return 5", "return 55")
    said = refuse(LONG, excerpt, whole_rewrite=True)
    assert "a piece of a.py" in said
    assert "lose 8 lines" in said


def test_a_whole_rewrite_may_change_the_beginning() -> None:
    assert passes(LONG, '"""Twelve functions."""\n\n' + LONG, whole_rewrite=True)


def test_syntax_errors_may_not_grow() -> None:
    assert "break the syntax of a.py (line 1" in refuse("x = (1)\n", "x = (1\n")
    assert passes("x = (1\ny = 2\n", "x = (1\ny = 3\n")
    assert passes("x = (1\n", "x = (1)\n")


def test_indentation_that_the_grammar_lets_pass_is_python_s_error() -> None:
    assert "indentation" in refuse(
        "def f():\n    a = 1\n    b = 2\n", "def f():\n    a = 1\n      b = 2\n", path="a.py"
    )


def test_a_language_without_a_grammar_is_not_parsed() -> None:
    assert count_syntax_errors("((", "cobol") is None
    assert passes("((\n", "(((\n", path="a.cob")


def test_the_path_says_which_grammar_when_the_editor_uses_its_own_name() -> None:
    found = count_syntax_errors("const a = <b/>;\n", "typescriptreact", "a.tsx")
    assert found is not None
    assert found.count == 0


def test_deep_nesting_is_counted_without_recursion() -> None:
    found = count_syntax_errors("(" * 5_000, "python")
    assert found is not None
    assert found.count > 0


def test_a_definition_that_the_answer_left_out_is_missed() -> None:
    old = "class A:\n    def f(self):\n        return 1\n\n    def g(self):\n        return 2\n"
    new = "class A:\n    def f(self):\n        return 3\n"
    assert "leaves out `A.g`" in refuse(old, new, whole_rewrite=True)
    assert passes(old, new, whole_rewrite=True, instruction="remove g")
    assert passes(old, old.replace("def g", "def h"), whole_rewrite=True, instruction="rename g to h")


def test_no_key_is_written_into_a_file() -> None:
    key = "AKIA" + "QZ7PLM2XW9RT4VKB"
    assert "an access token into a.py (at line 1)" in refuse("x = 1\n", f'x = "{key}"\n')
    assert passes(f'x = "{key}"\n', f'y = "{key}"\n')
