"""What a program that works on the code is told, and what it is not."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.errors import FilterError, NotIndexedError, WorkspaceError
from kibitz.server import tools
from kibitz.server.admitted import admitted_text, inside
from kibitz.server.config import Config
from kibitz.server.errors import ModelError
from kibitz.server.rerank import SecondStage
from tests.fakes.reranker import Scripted
from tests.fakes.workspaces import OurApp, update, written

FILES = {
    "src/bank.py": "class Account:\n    def withdraw(self, amount):\n        # take money out\n        return amount\n",
    "src/shop.py": "from bank import Account\n\n\ndef pay(account):\n    account.withdraw(3)\n",
    "src/long.py": "".join(f"value_{n} = {n}  # {'x' * 100}\n" for n in range(1_000)),
    "src/wide.py": "WIDE = '" + "w" * 5_000 + "'\n",
    "empty.py": "",
    ".gitignore": "private/\n",
    "private/notes.py": "password = 1\n",
    "keys.pem": "-----BEGIN PRIVATE KEY-----\n",
    "token.py": "token = 'AKIA" + "QWERTYUIOPASDFGH" + "'\n",
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> OurApp:
    root = written(tmp_path_factory.mktemp("tools") / "work", FILES)
    update(root)
    return OurApp.of(root)


@pytest.fixture
def unindexed(tmp_path: Path) -> OurApp:
    return OurApp.of(written(tmp_path / "work", FILES))


async def test_a_hit_shows_its_place_and_its_lines_with_their_numbers(app: OurApp) -> None:
    about, *lines = (await tools.search(app, "take money out", k=1)).splitlines()
    assert about.startswith("Searched by lexical, vector; index of 20")
    assert lines[0].startswith("src/bank.py:1-4 ")
    assert "2:     def withdraw(self, amount):" in lines


async def test_who_ordered_the_hits_is_told(unindexed: OurApp) -> None:
    unindexed.second_stage = SecondStage(Config(rerank="scripted"), Scripted(error=ModelError("It is asleep.")))
    assert "It is asleep; the hits are in the order" in await tools.search(unindexed, "withdraw account")
    (unindexed.root / "a.py").write_text("withdraw  # =1\n", "utf-8")
    (unindexed.root / "b.py").write_text("withdraw  # =2\n", "utf-8")
    unindexed.second_stage = SecondStage(Config(rerank="scripted"), Scripted())
    found = await tools.search(unindexed, "withdraw", globs=["/*.py"])
    assert found.startswith("Searched by scan, ordered by scripted; ")


async def test_filters_and_folders_narrow(app: OurApp) -> None:
    assert "src/shop.py" not in await tools.search(app, "withdraw", globs=["!**/shop.py"])
    assert (await tools.search(app, "withdraw", path="nowhere")).endswith("Nothing found.")
    with pytest.raises(FilterError, match="did you mean 'python'"):
        await tools.search(app, "withdraw", languages=["pyton"])
    with pytest.raises(WorkspaceError, match="no path inside the workspace"):
        await tools.search(app, "withdraw", path="../")


def test_lines_that_match_are_one_a_line(app: OurApp) -> None:
    assert tools.regex(app, r"def \w+\(").splitlines()[1:] == [
        "src/bank.py:2:     def withdraw(self, amount):",
        "src/shop.py:4: def pay(account):",
    ]


def test_names_are_looked_up(app: OurApp) -> None:
    assert "src/bank.py:2 (2-4) method in Account.withdraw: def withdraw(self, amount)" in tools.definition(
        app, "withdraw"
    )
    assert "src/shop.py:5 call in pay: account.withdraw(3)" in tools.references(app, "withdraw")
    assert "src/shop.py:5 (4-5) function: def pay(account)" in tools.references(app, "withdraw", callers=True)


def test_a_map_names_files_with_their_definitions(app: OurApp) -> None:
    about, *lines = tools.repository_map(app).splitlines()
    assert about.startswith("5 files; index of 20")
    assert lines[0] == "src/bank.py"
    assert "     2   def withdraw(self, amount)" in lines
    assert len(tools.repository_map(app, lines=10).splitlines()) <= 11


def test_an_outline_is_indented(app: OurApp) -> None:
    assert tools.outline(app, "src/bank.py").splitlines() == [
        "src/bank.py",
        "1-4 class class Account",
        "  2-4 method def withdraw(self, amount)",
    ]


def test_lines_are_read_as_they_are_now(unindexed: OurApp) -> None:
    for indexed in (False, True):
        if indexed:
            update(unindexed.root)
        read = tools.read_lines(unindexed, "./src//shop.py", start_line=4, end_line=99)
        assert read == "src/shop.py has 5 lines\n4: def pay(account):\n5:     account.withdraw(3)"
        assert tools.read_lines(unindexed, "empty.py") == "empty.py has 0 lines\nNothing found."
    (unindexed.root / "src/new.py").write_text("new = 1\n", "utf-8")
    assert tools.read_lines(unindexed, "src/new.py").endswith("1: new = 1")
    with pytest.raises(WorkspaceError, match="in the index, or a rule leaves it out"):
        tools.read_lines(unindexed, "src/newer.py")


async def test_answers_are_bounded_and_say_what_is_left_out(app: OurApp) -> None:
    for text in (
        tools.read_lines(app, "src/long.py"),
        tools.regex(app, "value_", k=500),
        tools.outline(app, "src/long.py"),
        await tools.search(app, "value", k=50),
    ):
        assert len(text) <= tools.MOST_CHARS + 100
    assert "more left out" in tools.regex(app, "value_", k=500)
    assert "400: value_399" not in tools.read_lines(app, "src/long.py", start_line=500)
    wide = tools.read_lines(app, "src/wide.py")
    assert len(wide) < tools.MOST_LINE_CHARS + 100


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "//etc/passwd",
        "../secret.py",
        "src/../../secret.py",
        "src\\..\\..\\secret.py",
        "..",
        "C:\\secret.py",
        "\\\\host\\share",
        "~/secret.py",
        "src/bank.py\0.txt",
    ],
)
def test_a_path_that_leads_out_is_refused(app: OurApp, path: str) -> None:
    with pytest.raises(WorkspaceError, match="no path inside the workspace"):
        inside(path)
    with pytest.raises(WorkspaceError, match="no path inside the workspace"):
        tools.read_lines(app, path)


@pytest.mark.parametrize("path", ["private/notes.py", "keys.pem", "token.py", ".git/config", "src", "", ".", "no.py"])
def test_what_no_index_holds_is_not_shown_and_nothing_says_whether_it_is_there(app: OurApp, path: str) -> None:
    for ask in (tools.read_lines, tools.outline):
        with pytest.raises(WorkspaceError, match=r"There is no file .* in the index, or a rule leaves it out"):
            ask(app, path)


def test_a_secret_that_has_come_since_is_not_shown(unindexed: OurApp) -> None:
    update(unindexed.root)
    (unindexed.root / "src/shop.py").write_text(FILES["token.py"], "utf-8")
    with pytest.raises(WorkspaceError, match="a rule leaves it out"):
        tools.read_lines(unindexed, "src/shop.py")


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
@pytest.mark.parametrize("indexed", [True, False])
def test_links_are_not_followed(unindexed: OurApp, indexed: bool) -> None:
    root = unindexed.root
    if indexed:
        update(root)
    written(root.parent / "outside", {"bank.py": "outside = 1\n", "shop.py": "outside = 2\n"})
    (root / "src/bank.py").unlink()
    (root / "src/bank.py").symlink_to(root.parent / "outside/bank.py")
    with pytest.raises(WorkspaceError):
        tools.read_lines(unindexed, "src/bank.py")
    (root / "src").rename(root / "other")
    (root / "src").symlink_to(root.parent / "outside")
    for path in ("src/bank.py", "src/shop.py"):
        with pytest.raises(WorkspaceError):
            admitted_text(unindexed, path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_is_not_waited_for(unindexed: OurApp) -> None:
    update(unindexed.root)
    (unindexed.root / "src/bank.py").unlink()
    os.mkfifo(unindexed.root / "src/bank.py")
    with pytest.raises(WorkspaceError):
        tools.read_lines(unindexed, "src/bank.py")


async def test_without_an_index_words_are_found_and_names_are_not(unindexed: OurApp) -> None:
    found = await tools.search(unindexed, "take money out")
    assert found.startswith("Searched by scan; no index yet. ")
    assert "src/bank.py:1-4" in found
    assert "src/shop.py:4: def pay(account):" in tools.regex(unindexed, "def pay")
    with pytest.raises(NotIndexedError):
        tools.definition(unindexed, "withdraw")


@given(st.text(st.sampled_from("ab./\\~:\0 "), max_size=12))
def test_a_path_inside_never_leads_out(asked: str) -> None:
    try:
        path = inside(asked)
    except WorkspaceError:
        return
    assert not Path(path).is_absolute()
    assert ".." not in Path(path).parts
    assert inside(path) == path
