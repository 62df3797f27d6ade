"""Packs of workspaces: what is in them, in which order, and what they share with the one before."""

import shutil
from pathlib import Path

import pytest

from kibitz.indexer.errors import WorkspaceError
from kibitz.prompts.errors import BudgetError
from kibitz.prompts.tokens import TiktokenTokenizer
from kibitz.server.pack import state
from kibitz.server.pack.make import Pack, Wanted, make_pack
from tests.fakes.workspaces import OurApp, commit, update, written

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
TOKENS = TiktokenTokenizer("o200k_base")
BODY = "".join(f"    step_{number} = {number} * value\n" for number in range(12))
FILES = {
    "README.md": "# Bank\n\nMoves money.\n",
    "src/accounts.py": f"def withdraw(value):\n{BODY}    return value\n",
    "src/banking.py": f"from accounts import withdraw\n\n\ndef transfer(value):\n{BODY}    return withdraw(value)\n",
    "src/cards.py": f"def block(value):\n{BODY}    return None\n",
    "tests/test_accounts.py": f"def test_withdraw():\n    value = 1\n{BODY}    assert withdraw(3)\n",
} | {f"src/more_{number}.py": f"def more_{number}(value):\n{BODY}" for number in range(19)}


def packed(root: Path, budget: int = 100_000, question: str = "", *, fresh: bool = False, without: str = "") -> Pack:
    """A pack, which the next one is told of."""
    app = OurApp.of(root)
    made = make_pack(app, Wanted(budget, question, fresh, without), TOKENS, lambda *_: None)
    assert len(TOKENS.encode(made.text)) == made.tokens <= budget
    state.save(made.state, state.place(app.config.cache_dir, root, question), root)
    return made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = written(tmp_path / "work", FILES)
    if shutil.which("git"):
        commit(root)
    update(root)
    return root


def headings(made: Pack) -> list[str]:
    return [line.removeprefix("### ") for line in made.text.splitlines() if line.startswith("### ")]


def test_a_pack_has_names_a_map_and_all_files_in_the_order_of_paths(root: Path) -> None:
    made = packed(root)
    assert headings(made) == sorted(FILES)
    assert "tests: test_accounts.py\n" in made.text
    assert "src/accounts.py\n  def withdraw(value)\n" in made.text
    assert (made.shared_tokens, made.left_out) == (None, {})


def test_the_same_files_give_the_same_pack(root: Path) -> None:
    first, second, third = packed(root), packed(root), packed(root, fresh=True)
    assert first.text == second.text == third.text
    assert second.shared_tokens is not None
    assert second.shared_tokens >= 0.99 * second.tokens


@needs_git
@pytest.mark.parametrize("path", ["src/accounts.py", "tests/test_accounts.py"])
def test_an_edit_leaves_the_beginning_as_it_was(root: Path, path: str) -> None:
    first = packed(root)
    (root / path).write_text(FILES[path] + "# edited once\n")
    second = packed(root)
    assert second.text.startswith(first.text)
    assert headings(second) == [*sorted(FILES), f"{path}, as it is now"]
    assert second.text.count("# edited once") == 1
    (root / path).write_text(FILES[path] + "# edited twice\n")
    third = packed(root)
    assert third.text.startswith(first.text)
    assert "# edited once" not in third.text
    (root / path).write_text(FILES[path])
    assert packed(root).text == first.text


@needs_git
def test_of_the_changed_files_those_that_changed_again_come_last(root: Path) -> None:
    packed(root)
    for name in ("accounts", "cards", "accounts"):
        place = root / "src" / f"{name}.py"
        place.write_text(place.read_text() + "# again\n")
        made = packed(root, budget=100_000)
    assert headings(made)[-2:] == ["src/cards.py, as it is now", "src/accounts.py, as it is now"]


@needs_git
def test_what_has_changed_since_the_commit_comes_last_at_first(root: Path) -> None:
    (root / "src/accounts.py").write_text("def withdraw(value): ...\n")
    (root / "src/new.py").write_text("NEW = 1\n")
    made = packed(root)
    assert headings(made)[-2:] == ["src/accounts.py", "src/new.py"]
    assert len(headings(made)) == len(FILES) + 1


@needs_git
def test_a_pack_of_which_too_much_has_changed_starts_from_the_beginning(root: Path) -> None:
    packed(root)
    for path in FILES:
        (root / path).write_text(FILES[path] + "# edited\n")
    made = packed(root)
    assert headings(made) == sorted(FILES)
    assert made.text.count("# edited") == len(FILES)


def test_without_git_a_changed_file_moves_to_the_end(tmp_path: Path) -> None:
    root = written(tmp_path / "work", FILES)
    update(root)
    packed(root)
    (root / "src/accounts.py").write_text(FILES["src/accounts.py"] + "# edited\n")
    second = packed(root)
    assert headings(second) == [*(path for path in sorted(FILES) if path != "src/accounts.py"), "src/accounts.py"]
    (root / "src/accounts.py").write_text(FILES["src/accounts.py"] + "# again\n")
    third = packed(root)
    assert third.text[: third.text.index("## Changed")] == second.text[: second.text.index("## Changed")]


def test_files_come_and_go(root: Path) -> None:
    packed(root)
    (root / "src/cards.py").unlink()
    (root / "src/new.py").write_text("NEW = 1\n")
    for _ in range(2):
        made = packed(root)
        assert "src/cards.py" not in headings(made)
        assert headings(made)[-1] == "src/new.py"
        assert "`src/cards.py` is no longer there." in made.text


def test_a_small_budget_cuts_files_and_then_leaves_them_out(root: Path) -> None:
    sizes = [packed(root, budget) for budget in (1_000, 2_000, 4_000)]
    forms = [[one.form for one in made.state.segments] for made in sizes]
    assert "outline" in forms[0] + forms[1]
    assert forms[0].count("text") < forms[1].count("text") < forms[2].count("text")
    assert "src/accounts.py" in headings(sizes[0])
    assert "tests/test_accounts.py" not in headings(sizes[1])


@needs_git
def test_an_edit_changes_the_form_of_no_other_file(root: Path) -> None:
    first = packed(root, 2_000)
    (root / "src/accounts.py").write_text("def withdraw(value): ...\n")
    second = packed(root, 2_000)
    assert second.text.startswith(first.text)
    assert headings(second)[-1] == "src/accounts.py, as it is now"


def test_a_question_takes_what_it_finds_and_stands_last(root: Path) -> None:
    made = packed(root, 3_000, "withdraw")
    assert "src/accounts.py" in headings(made)
    assert made.text.endswith("## Question\n\nwithdraw\n")
    assert "## All files" not in made.text
    assert packed(root, 3_000, "withdraw").text == made.text


def test_secrets_and_what_is_ignored_stay_out(root: Path) -> None:
    token = "ghp_" + "x7Kd93mQ2pLs8Vb4Nz6Wc1Rt5Yh0Jf9AeG3u"
    (root / "src/cards.py").write_text(f'TOKEN = "{token}"\n')
    (root / ".kibitzignore").write_text("more_*.py\n")
    (root / "picture.png").write_bytes(b"\x89PNG")
    made = packed(root)
    assert token not in made.text
    assert not any("more_" in one for one in headings(made))
    assert made.left_out == {"secret": 1, "ignored": 19, "binary": 1}


@needs_git
def test_an_older_text_with_a_secret_is_not_kept(root: Path) -> None:
    first = packed(root)
    token = "ghp_" + "x7Kd93mQ2pLs8Vb4Nz6Wc1Rt5Yh0Jf9AeG3u"
    (root / "src/cards.py").write_text(f'TOKEN = "{token}"\n')
    second = packed(root)
    assert token not in second.text
    assert "src/cards.py" in headings(first)
    assert "src/cards.py" not in headings(second)


def test_what_is_remembered_holds_no_text_of_a_file(root: Path) -> None:
    made = packed(root)
    place = state.place(OurApp.of(root).config.cache_dir, root, "")
    assert state.load(place) == made.state
    assert "step_1" not in repr(made.state)
    place.write_bytes(b"damaged")
    assert state.load(place) is None
    assert packed(root).text == made.text


def test_the_file_that_it_is_written_to_is_not_in_it(root: Path) -> None:
    (root / "pack.md").write_text("an older pack")
    assert "an older pack" not in packed(root, without="pack.md").text


def test_a_subfolder_is_packed_alone(root: Path) -> None:
    update(root / "src")
    made = packed(root / "src")
    assert headings(made) == sorted(path.removeprefix("src/") for path in FILES if path.startswith("src/"))
    (root / "src/cards.py").write_text(FILES["src/cards.py"] + "# edited\n")
    assert packed(root / "src").text.startswith(made.text) == bool(shutil.which("git"))


def test_files_are_packed_without_an_index(tmp_path: Path) -> None:
    root = written(tmp_path / "work", FILES | {"src/windows.py": "a = 1\r\nb = 2", "src/empty.py": ""})
    made = packed(root)
    assert headings(made) == sorted([*FILES, "src/windows.py"])
    assert "\r" not in made.text
    assert "a = 1\nb = 2\n```\n" in made.text


def test_a_budget_for_nothing_is_one_sentence(root: Path) -> None:
    for budget in (1, 30, 60):
        with pytest.raises(BudgetError) as raised:
            packed(root, budget)
        assert str(raised.value) == f"Not one file fits {budget:,} tokens: give a larger budget."


def test_there_must_be_something_to_pack(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    with pytest.raises(WorkspaceError, match="There is nothing to pack in "):
        packed(tmp_path / "work")


@needs_git
def test_a_checkout_with_other_line_ends_has_not_changed(root: Path) -> None:
    (root / "src/cards.py").write_bytes(FILES["src/cards.py"].replace("\n", "\r\n").encode())
    made = packed(root)
    assert headings(made) == sorted(FILES)
    (root / "src/cards.py").write_bytes((FILES["src/cards.py"] + "# edited\n").replace("\n", "\r\n").encode())
    assert packed(root).text.startswith(made.text)
