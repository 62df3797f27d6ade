"""Definitions, references and callers in a small workspace of several languages."""

from pathlib import Path

import pytest

from kibitz.indexer import index
from kibitz.indexer.errors import WorkspaceError
from kibitz.indexer.live import Seen
from kibitz.indexer.lookup import Name, Place
from kibitz.indexer.search import Searcher
from kibitz.indexer.types import Span
from tests.fakes.embedder import HashEmbedder
from tests.fakes.parsing import InProcessPool

FILES = {
    "src/session.py": (
        "from .pool import Pool\n\n\nclass Session:\n    def close(self):\n        Pool().give_back(self)\n"
        "        Pool().give_back(None)\n\n\nclass Window:\n    def close(self):\n        pass\n"
    ),
    "src/pool.py": (
        "class Pool:\n    def give_back(self, one):\n        # give_back is not called here\n        log('give_back')\n"
    ),
    "src/zoo.py": "def dial():\n    ring()\n",
    "examples/zoo.py": "def dial():\n    ring()\n",
    "tests/test_session.py": "from src.session import Session\n\nSession().close()\n",
    "web/session.ts": "import { giveBack } from './pool';\n\nexport function end() {\n  giveBack();\n}\n",
    "web/pool.ts": "export const giveBack = () => {\n  done();\n};\n",
    "go/pool.go": "package pool\n\nfunc GiveBack(c *Conn) {}\n\nfunc End() {\n\tGiveBack(nil)\n}\n",
    "rust/pool.rs": "use crate::conn::Conn;\n\nfn end(conn: Conn) {\n    conn.give_back();\n}\n",
    "java/Pool.java": "class Pool extends Base {\n  void end() { giveBack(); }\n  void giveBack() {}\n}\n",
    "c/pool.c": '#include "net/conn.h"\n\nvoid end(void) { give_back(0); }\n',
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / "work" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "work" / path).write_text(text, "utf-8")
    return tmp_path / "work"


@pytest.fixture
def searcher(root: Path) -> Searcher:
    index.update(root, cache_dir=root.parent / "cache", embedder=HashEmbedder(), pool=InProcessPool())
    return Searcher.open(root, cache_dir=root.parent / "cache", embedder=HashEmbedder())


def shown(places: list[Place]) -> list[str]:
    return [f"{place.path}:{','.join(str(line + 1) for line in place.lines)} {place.symbol}" for place in places]


def test_a_definition_is_found_in_every_convention_its_own_spelling_first(searcher: Searcher) -> None:
    found = shown(searcher.definitions("give_back"))
    assert found[0] == "src/pool.py:2 Pool.give_back"
    assert sorted(found[1:]) == ["go/pool.go:3 GiveBack", "java/Pool.java:3 Pool.giveBack", "web/pool.ts:1 giveBack"]
    assert shown(searcher.definitions("GiveBack"))[0] == "go/pool.go:3 GiveBack"


def test_a_qualified_name_narrows(searcher: Searcher) -> None:
    assert shown(searcher.definitions("close")) == ["src/session.py:5 Session.close", "src/session.py:11 Window.close"]
    for name in ("Session.close", "Session::close", "Session#close", "session.close()"):
        assert shown(searcher.definitions(name)) == ["src/session.py:5 Session.close"]
    assert searcher.definitions("Door.close") == []


def test_a_definition_says_what_it_is(searcher: Searcher) -> None:
    assert searcher.definitions("Session.close")[0] == Place(
        "src/session.py", "Session.close", "method", Span(4, 7), (4,), "def close(self)"
    )


def test_references_have_their_lines_and_what_they_stand_in(searcher: Searcher) -> None:
    found = shown(searcher.references("give_back"))
    assert found[:4] == [
        "c/pool.c:3 end",
        "rust/pool.rs:4 end",
        "src/session.py:6 Session.close",
        "src/session.py:7 Session.close",
    ]
    assert sorted(found[4:]) == [
        "go/pool.go:6 End",
        "java/Pool.java:2 Pool.end",
        "web/session.ts:1 ",
        "web/session.ts:4 end",
    ]


def test_references_of_a_kind(searcher: Searcher) -> None:
    assert shown(searcher.references("Pool", kinds=["import"])) == ["src/session.py:1 ", "web/session.ts:1 "]
    assert [place.kind for place in searcher.references("Base")] == ["inherit"]
    assert [place.text for place in searcher.references("Conn", kinds=["import"], within="rust")] == [
        "use crate::conn::Conn;"
    ]
    assert [place.text for place in searcher.references("conn", kinds=["import"], within="c")] == [
        '#include "net/conn.h"'
    ]


def test_a_reference_to_a_qualified_name_stands_in_a_file_that_names_the_qualifier(searcher: Searcher) -> None:
    assert shown(searcher.references("Session.close")) == ["tests/test_session.py:3 "]
    assert searcher.references("Window.close") == []


def test_callers_are_definitions_with_the_lines_of_their_calls(searcher: Searcher) -> None:
    found = searcher.callers("give_back", within="src")
    assert found == [Place("src/session.py", "Session.close", "method", Span(4, 7), (5, 6), "def close(self)")]
    assert searcher.callers("Session")[0].kind == "module"


def test_examples_come_after_the_code(searcher: Searcher) -> None:
    assert shown(searcher.definitions("dial")) == ["src/zoo.py:1 dial", "examples/zoo.py:1 dial"]
    assert shown(searcher.references("ring")) == ["src/zoo.py:2 dial", "examples/zoo.py:2 dial"]


def test_no_more_than_asked_for(searcher: Searcher) -> None:
    assert [len(searcher.definitions("give_back", k)) for k in (1, 2, 50)] == [1, 2, 4]
    assert len(searcher.references("give_back", 3)) == 3
    assert len(searcher.callers("give_back", 1)) == 1


@pytest.mark.parametrize("name", ["", ".", "()", "nothing_of_this_name", "a b"])
def test_what_nobody_defines_is_nowhere(searcher: Searcher, name: str) -> None:
    assert (searcher.definitions(name), searcher.references(name), searcher.callers(name)) == ([], [], [])


def test_a_file_is_read_as_it_is_now(searcher: Searcher, root: Path) -> None:
    text = FILES["src/session.py"]
    (root / "src/session.py").write_text("\n\n\n" + text.replace("class Window", "class Door"), "utf-8")
    assert shown(searcher.definitions("close")) == ["src/session.py:8 Session.close", "src/session.py:14 Door.close"]
    (root / "src/session.py").unlink()
    assert searcher.definitions("close") == []


def test_an_open_document_is_read_as_it_stands_there(searcher: Searcher) -> None:
    from kibitz.indexer.cut import Cutter, parse_text
    from kibitz.indexer.reparse import Reparser

    text = "\n\ndef give_back_all():\n    pass\n"
    piece = Cutter(HashEmbedder()).cut([parse_text("src/pool.py", text, Reparser())]).piece
    searcher.put_ahead({"src/pool.py": Seen(piece, text)})
    assert shown(searcher.definitions("give_back_all")) == ["src/pool.py:3 give_back_all"]
    assert "src/pool.py:2 Pool.give_back" not in shown(searcher.definitions("give_back"))
    assert [one.name for one in searcher.outline("src/pool.py")] == ["give_back_all"]


def test_an_outline_is_of_a_file_of_the_index(searcher: Searcher, root: Path) -> None:
    assert [one.symbol for one in searcher.outline("src/pool.py")] == ["Pool", "Pool.give_back"]
    (root.parent / "secret.py").write_text("def secret(): pass\n", "utf-8")
    for path in ("../secret.py", "none.py", ""):
        with pytest.raises(WorkspaceError, match="is not in the index"):
            searcher.outline(path)
    (root / "src/pool.py").unlink()
    with pytest.raises(WorkspaceError, match="cannot be read"):
        searcher.outline("src/pool.py")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("close", Name("close")),
        ("Session.close()", Name("close", ("Session",))),
        ("a::b::c", Name("c", ("a", "b"))),
        ("Pool->take", Name("take", ("Pool",))),
        (" . ", Name("")),
    ],
)
def test_names_as_they_are_asked_for(text: str, name: Name) -> None:
    assert Name.of(text) == name


@pytest.mark.parametrize(
    ("begun", "found"),
    [
        ("sess", [("src/session.py", "Session", "class", 3)]),
        ("GIVE", [("go/pool.go", "GiveBack", "function", 2), ("java/Pool.java", "Pool.giveBack", "method", 1)]),
        ("ack", [("go/pool.go", "GiveBack", "function", 2)]),
        ("close", [("src/session.py", "close", "function", 4)]),
        ("dial", [("src/zoo.py", "dial", "function", 0), ("examples/zoo.py", "dial", "function", 0)]),
        ("  ", []),
        ("no such name", []),
    ],
)
def test_definitions_are_found_by_a_piece_of_their_name(
    searcher: Searcher, begun: str, found: list[tuple[str, str, str, int]]
) -> None:
    places = searcher.symbols(begun, 10)
    assert [(one.path, one.symbol, one.kind, one.lines[0]) for one in places][: len(found)] == found
    assert bool(places) == bool(found)
