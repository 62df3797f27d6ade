"""Questions to small workspaces."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kibitz.indexer.errors import NotIndexedError
from kibitz.indexer.layout import places
from kibitz.indexer.search import Searcher
from kibitz.indexer.types import Hit, Span
from tests.fakes.embedder import HashEmbedder
from tests.fakes.workspaces import opened, update, written

FILES = {
    "src/session.py": "class ClientSession:\n    def close(self):\n        self.pool.release()\n",
    "src/pool.py": "class ConnectionPool:\n    def release(self):\n        '''Give a session back.'''\n",
    "src/parse/json_reader.py": "def read(text):\n    return loads(text)\n",
    "src/helpers.py": "def close_session(session):\n    # close the session\n    session.close()\n",
    "tests/test_session.py": "def test_close():\n    # close the session\n    session.close()\n",
    "docs/guide.md": "# Guide\n\nOpen a window, then shut it.\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return written(tmp_path / "work", FILES)


@pytest.fixture
def searcher(root: Path) -> Searcher:
    update(root)
    return opened(root)


def paths(hits: list[Hit]) -> list[str]:
    return [hit.chunk.path for hit in hits]


def test_a_symbol_is_found_where_it_is_defined(searcher: Searcher) -> None:
    assert paths(searcher.search("ClientSession"))[0] == "src/session.py"
    assert paths(searcher.search("client_session"))[0] == "src/session.py"


def test_words_that_make_a_defined_name_find_it(searcher: Searcher) -> None:
    assert paths(searcher.search("how does the connection pool work"))[0] == "src/pool.py"


def test_a_file_is_found_by_its_name(searcher: Searcher) -> None:
    assert paths(searcher.search("JSON reader"))[0] == "src/parse/json_reader.py"


def test_tests_stand_below_the_code_unless_they_are_asked_for(searcher: Searcher) -> None:
    found = paths(searcher.search("close the session"))
    assert found.index("src/helpers.py") < found.index("tests/test_session.py")
    assert paths(searcher.search("test that closes the session"))[0] == "tests/test_session.py"


def test_a_hit_carries_its_lines_as_they_are_in_the_file(searcher: Searcher, root: Path) -> None:
    hit = searcher.search("ClientSession")[0]
    lines = (root / hit.chunk.path).read_text("utf-8").splitlines(keepends=True)
    assert hit.chunk.text == "".join(lines[hit.chunk.span.start : hit.chunk.span.end])
    assert hit.chunk.span == Span(0, 3)
    assert "lexical" in hit.legs
    assert not hit.stale


def test_scores_never_rise_and_hits_never_repeat(searcher: Searcher) -> None:
    hits = searcher.search("session", per_file=3)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len({(hit.chunk.path, hit.chunk.span) for hit in hits}) == len(hits)


def test_no_more_hits_than_asked_for(searcher: Searcher) -> None:
    assert len(searcher.search("session", 2)) == 2
    assert searcher.search("session", 0) == []
    assert searcher.search("  ") == []


def test_only_the_folder_asked_for_is_searched(searcher: Searcher) -> None:
    assert set(paths(searcher.search("session", within="tests"))) == {"tests/test_session.py"}
    assert set(paths(searcher.search("session", within="src/pool.py"))) == {"src/pool.py"}
    assert searcher.search("session", within="te") == []
    assert paths(searcher.search("session", within="./src/")) == paths(searcher.search("session", within="src"))


def test_one_leg_alone_can_be_asked(searcher: Searcher) -> None:
    assert {hit.legs for hit in searcher.search("session", legs=("lexical",))} == {("lexical",)}
    assert searcher.search("nowhere_to_be_found", legs=("lexical",)) == []


def test_a_changed_file_is_stale_and_a_lost_one_is_not_shown(searcher: Searcher, root: Path) -> None:
    with (root / "src/session.py").open("a", encoding="utf-8") as file:
        file.write("# more\n")
    (root / "src/pool.py").unlink()
    hits = searcher.search("session pool")
    assert [hit.stale for hit in hits if hit.chunk.path == "src/session.py"] == [True]
    assert "src/pool.py" not in paths(hits)


def test_a_secret_that_has_come_since_is_not_shown(searcher: Searcher, root: Path) -> None:
    with (root / "src/session.py").open("a", encoding="utf-8") as file:
        file.write("key = 'AKIA" + "QWERTYUIOPASDFGH" + "'\n")
    assert "src/session.py" not in paths(searcher.search("ClientSession"))


def test_a_file_cut_short_shows_what_it_still_has(searcher: Searcher, root: Path) -> None:
    (root / "src/session.py").write_text("class ClientSession:\n", "utf-8")
    hit = searcher.search("ClientSession")[0]
    assert (hit.chunk.text, hit.stale) == ("class ClientSession:\n", True)


def test_a_searcher_follows_the_index(searcher: Searcher, root: Path) -> None:
    assert not searcher.refresh()
    (root / "src/new.py").write_text("def brand_new():\n    pass\n", "utf-8")
    update(root)
    before = searcher.version
    assert "src/new.py" not in paths(searcher.search("brand_new"))
    assert searcher.refresh()
    assert searcher.version > before
    assert paths(searcher.search("brand_new"))[0] == "src/new.py"
    assert not searcher.refresh()


def test_a_folder_that_was_never_indexed_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    with pytest.raises(NotIndexedError, match="run `kibitz index`"):
        opened(tmp_path / "work")


@pytest.mark.parametrize("damage", ["cut", "remove"])
def test_a_damaged_hot_copy_is_a_sentence_and_the_next_round_makes_it_again(root: Path, damage: str) -> None:
    update(root)
    (copy,) = places(root, root.parent / "cache", HashEmbedder()).hot.iterdir()
    if damage == "cut":
        copy.write_bytes(copy.read_bytes()[:1000])
    else:
        copy.unlink()
    with pytest.raises(NotIndexedError, match="damaged"):
        opened(root)
    update(root)
    assert paths(opened(root).search("ClientSession"))[0] == "src/session.py"


def test_questions_need_no_table(root: Path) -> None:
    update(root)
    shutil.rmtree(places(root, root.parent / "cache", HashEmbedder()).table)
    assert paths(opened(root).search("ClientSession"))[0] == "src/session.py"


def test_a_searcher_answers_as_it_was_opened_while_a_round_drops_its_segments(searcher: Searcher, root: Path) -> None:
    at = places(root, root.parent / "cache", HashEmbedder())
    before = {path.name for path in at.hot.iterdir()}
    for path, text in FILES.items():
        (root / path).write_text(text + "\n# changed\n", "utf-8")
    update(root)
    assert not before & {path.name for path in at.hot.iterdir()}
    assert paths(searcher.search("ClientSession"))[0] == "src/session.py"


def test_a_changed_file_is_found_by_what_it_holds_now_only(root: Path) -> None:
    update(root)
    (root / "src/pool.py").write_text("class Basin:\n    pass\n", "utf-8")
    update(root)
    searcher = opened(root)
    assert len(searcher.view.parts) == 2
    assert not searcher.view.all_alive
    assert paths(searcher.search("Basin"))[0] == "src/pool.py"
    assert "src/pool.py" not in paths(searcher.search("release a connection", legs=("lexical",)))
    assert paths([*searcher.grep("class ").hits]) == ["src/pool.py", "src/session.py"]


def test_opening_loads_neither_the_database_nor_a_grammar(root: Path) -> None:
    update(root)
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from kibitz.indexer.search import Searcher\n"
        "from tests.fakes.embedder import HashEmbedder\n"
        f"searcher = Searcher.open(Path({str(root)!r}), cache_dir=Path({str(root.parent / 'cache')!r}),"
        " embedder=HashEmbedder())\n"
        "assert searcher.search('ClientSession')[0].chunk.path == 'src/session.py'\n"
        "heavy = ('lancedb', 'pyarrow', 'tree_sitter')\n"
        "print([name for name in sys.modules if name.startswith(heavy)])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_very_long_line_is_cut_and_the_next_one_stays_apart(root: Path) -> None:
    (root / "src" / "long.py").write_text("def keeper():\n    table = '" + "word " * 9_000 + "'\n    return table\n")
    update(root)
    text = opened(root).search("keeper")[0].chunk.text
    assert text.splitlines()[2] == "    return table"
    assert len(text) < 2_100


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_or_a_link_in_a_files_place_is_not_opened(searcher: Searcher, root: Path) -> None:
    before = paths(searcher.search("release a session"))
    assert {"src/session.py", "src/pool.py"} <= set(before)
    (root / "src/session.py").unlink()
    os.mkfifo(root / "src/session.py")
    (root / "src/pool.py").rename(root.parent / "elsewhere.py")
    (root / "src/pool.py").symlink_to(root.parent / "elsewhere.py")
    assert set(before) - set(paths(searcher.search("release a session"))) == {"src/session.py", "src/pool.py"}


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_a_folder_that_has_become_a_link_is_not_followed(searcher: Searcher, root: Path) -> None:
    (root / "src").rename(root.parent / "elsewhere")
    (root / "src").symlink_to(root.parent / "elsewhere")
    assert set(paths(searcher.search("release a session"))) <= {"tests/test_session.py", "docs/guide.md"}
