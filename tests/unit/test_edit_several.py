"""What an answer makes of several files: all of it, or nothing, and nothing outside the request."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.workspace import Rules
from kibitz.server.edit.change import Edit, Targets, whole_file
from kibitz.server.edit.new_path import check_name, check_new_path
from kibitz.server.edit.several_files import to_edits
from kibitz.server.errors import EditError

CALC = "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n"
USE = "from calc import add\n\nprint(add(1, 2))\n"
FILES = Targets(whole_file("src/calc.py", CALC, "python"), (whole_file("src/use.py", USE, "python"),))
WIDE = Targets(FILES.first, FILES.others, new_files=True, renames=True)


def block(path: str, old: str, new: str) -> str:
    head = f"{path}\n" if path else ""
    return f"{head}<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n\n"


RENAMED = block("src/calc.py", "def add(a, b):\n", "def plus(a, b):\n")
CALLED = block(
    "src/use.py", "from calc import add\n\nprint(add(1, 2))\n", "from calc import plus\n\nprint(plus(1, 2))\n"
)


def edits(answer: str, targets: Targets = FILES) -> dict[str, Edit]:
    made = to_edits(answer, targets, check_path=check_name, instruction="rename add to plus")
    return {edit.new_path or edit.path: edit for edit in made}


def test_each_block_goes_to_its_file() -> None:
    found = edits(RENAMED + CALLED)
    assert found["src/calc.py"].new == CALC.replace("def add", "def plus")
    assert found["src/use.py"].new == USE.replace("add", "plus")


@pytest.mark.parametrize("path", ["./src/use.py", "b/src/use.py", "use.py", "SRC/use.py"])
def test_a_path_may_be_written_in_other_ways(path: str) -> None:
    assert set(edits(CALLED.replace("src/use.py", path))) == {"src/use.py"}


def test_a_block_without_a_path_goes_to_the_only_file_that_has_its_lines() -> None:
    assert set(edits(block("", "print(add(1, 2))\n", "print(add(2, 2))\n"))) == {"src/use.py"}
    twice = Targets(FILES.first, (whole_file("src/copy.py", CALC, "python"),))
    with pytest.raises(EditError, match=r"stands in src/calc\.py and src/copy\.py"):
        edits(block("", "    return a + b\n", "    return b + a\n"), twice)


def test_a_unified_diff_over_several_files() -> None:
    answer = (
        "```diff\n--- a/src/calc.py\n+++ b/src/calc.py\n@@ -1,2 +1,2 @@\n-def add(a, b):\n+def plus(a, b):\n"
        "     return a + b\n--- a/src/use.py\n+++ b/src/use.py\n@@ -1,3 +1,3 @@\n-from calc import add\n"
        "+from calc import plus\n \n-print(add(1, 2))\n+print(plus(1, 2))\n```\n"
    )
    assert set(edits(answer)) == {"src/calc.py", "src/use.py"}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (RENAMED + block("src/use.py", "print(nothing)\n", "pass\n"), "src/use.py"),
        (RENAMED + block("src/other.py", "x\n", "y\n"), "not among the files of the request"),
        (RENAMED + block("src/use.py", "print(add(1, 2))\n", "print(add(1, 2)\n"), "use.py"),
        (RENAMED + block("../out.py", "", "x = 1\n"), "not among the files"),
        (RENAMED + "rename from src/use.py\nrename to src/call.py\n", "does not allow"),
        ("I would rather not.", "no edit|no SEARCH|no usable|code block"),
    ],
)
def test_one_file_that_is_refused_refuses_all(answer: str, says: str) -> None:
    with pytest.raises(EditError, match=says):
        edits(answer)


def test_a_file_is_made_and_another_one_renamed() -> None:
    answer = RENAMED + block("src/more.py", "", "VALUE = 1\n") + "rename from src/use.py\nrename to src/call.py\n"
    found = edits(answer, WIDE)
    assert (found["src/more.py"].is_new, found["src/more.py"].new) == (True, "VALUE = 1\n")
    assert (found["src/call.py"].path, found["src/call.py"].new) == ("src/use.py", USE)
    assert "rename to src/call.py" in found["src/call.py"].diff()
    assert "+++ b/src/more.py" in found["src/more.py"].diff()


@pytest.mark.parametrize("path", ["src/calc.py", "src/use.py", "./src/use.py"])
def test_a_file_is_not_renamed_to_one_of_the_request(path: str) -> None:
    with pytest.raises(EditError, match="which is there"):
        edits(f"rename from src/use.py\nrename to {path}\n", WIDE)


MARKDOWN = Targets(whole_file("README.md", "# Calc\n\nold\n", "markdown"), (whole_file("src/use.py", USE, "python"),))


def test_code_in_a_file_of_prose_is_not_taken_for_another_file() -> None:
    quoting = "Use it:\n\n`src/use.py`\n```python\nprint(0)\n```\n"
    assert set(edits(block("README.md", "old\n", quoting), MARKDOWN)) == {"README.md"}


def test_code_without_a_path_is_an_example() -> None:
    answer = RENAMED + "Then run it:\n\n```sh\npython src/calc.py\n```\n"
    assert edits(answer) == edits(RENAMED)


@pytest.mark.parametrize(
    "answer",
    [
        "**src/use.py**\n\n```python\n{}```\n",
        "```python src/use.py\n{}```\n",
        '```python title="src/use.py"\n{}```\n',
    ],
)
def test_the_path_of_code_stands_above_it_or_behind_its_fence(answer: str) -> None:
    new = USE.replace("add(1, 2)", "add(2, 1)")
    assert edits(answer.format(new))["src/use.py"].new == new


FORBIDDEN = (
    "../out.py",
    "/etc/passwd",
    ".git/hooks/pre-commit",
    ".vscode/settings.json",
    ".kibitz.toml",
    "a/.env",
    "Jenkinsfile",
    "AGENTS.md",
    "x.pth",
    "x.code-workspace",
    "con.py",
    "a//b.py",
    "~/a.py",
    "C:/a.py",
    "a/b ",
)


@pytest.mark.parametrize("path", FORBIDDEN)
def test_no_file_is_made_where_tools_look_or_outside(path: str) -> None:
    with pytest.raises(EditError):
        check_name(path)


@pytest.mark.parametrize("path", FORBIDDEN[2:8])
def test_an_answer_makes_none_there(path: str) -> None:
    with pytest.raises(EditError, match=r"hidden|obey|did not say"):
        edits(block(path, "", "x = 1\n"), WIDE)


def test_a_new_path_is_free_and_part_of_the_workspace(tmp_path: Path) -> None:
    root = tmp_path / "work"
    (root / "src").mkdir(parents=True)
    (root / "src" / "calc.py").write_text("x\n")
    (root / ".gitignore").write_text("build/\n")
    (root / "linked").symlink_to(tmp_path)
    check_new_path(root, "src/more.py", Rules())
    check_new_path(root, "new/folder/more.py", Rules())
    for path in ("src/calc.py", "src/CALC.py", "linked/x.py", "src/calc.py/x.py", "src/key.pem", "node_modules/x.js"):
        with pytest.raises(EditError):
            check_new_path(root, path, Rules())


LINES = st.lists(st.sampled_from(["a = 1\n", "b = 2\n", "c = 3\n", "d = 4\n", "e = 5\n"]), min_size=1, unique=True)


@given(LINES, LINES, st.data())
def test_whatever_lines_are_replaced_the_other_file_keeps_its_own(
    one: list[str], two: list[str], data: st.DataObject
) -> None:
    targets = Targets(whole_file("one.py", "".join(one), "python"), (whole_file("two.py", "".join(two), "python"),))
    old = data.draw(st.sampled_from(one))
    found = edits(block("one.py", old, "z = 0\n"), targets)
    assert set(found) == {"one.py"}
    assert found["one.py"].new == "".join("z = 0\n" if line == old else line for line in one)
