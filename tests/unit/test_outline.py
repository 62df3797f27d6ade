"""What stands where in files of several languages."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.indexer.lines import split_lines
from kibitz.indexer.outline import MAX_SIGNATURE_CHARS, _holds_word, structure, symbols_of

FILES = {
    "session.py": """\
import os


@dataclass
class Session(Base):
    # closes it
    @retry
    async def close(
        self,
        wait: float = 1.0,
    ) -> None:
        self.pool.release(self)
""",
    "pool.ts": """\
export interface Pool {
  take(name: string): Promise<void>;
}
const add = (a: {x: number}, b) => {
  return a;
};
""",
    "pool.go": """\
package pool

// Take takes.
func (p *Pool) Take(name string) (*Conn, error) {
	return dial(name)
}
""",
    "pool.rs": """\
#[derive(Debug)]
pub struct Pool;

impl Pool {
    #[inline]
    pub fn take(&self) -> Conn {
        dial()
    }
}
""",
    "Pool.java": """\
class Pool {
  @Override
  public Conn take(String name) throws IOException {
    return dial(name);
  }
}
""",
    "pool.cpp": """\
static int
take(int a,
     int b)
{
  return dial(a);
}
""",
    "pool.rb": """\
class Pool < Base
  def take(name) # one
    dial(name)
  end
end
""",
    "guide.md": "# Guide\n\n## Try it\n\ntext\n",
}

SHOWN = {
    "session.py": [
        ("Session", "class", 0, 4, "class Session(Base)"),
        ("Session.close", "method", 1, 7, "async def close(self, wait: float = 1.0) -> None"),
    ],
    "pool.ts": [
        ("Pool", "type", 0, 0, "export interface Pool"),
        ("Pool.take", "method", 1, 1, "take(name: string): Promise<void>"),
        ("add", "function", 0, 3, "const add = (a: {x: number}, b)"),
    ],
    "pool.go": [("Pool.Take", "method", 0, 3, "func (p *Pool) Take(name string) (*Conn, error)")],
    "pool.rs": [
        ("Pool", "type", 0, 1, "pub struct Pool"),
        ("Pool.take", "method", 0, 5, "pub fn take(&self) -> Conn"),
    ],
    "Pool.java": [
        ("Pool", "class", 0, 0, "class Pool"),
        ("Pool.take", "method", 1, 2, "public Conn take(String name) throws IOException"),
    ],
    "pool.cpp": [("take", "function", 0, 1, "static int take(int a, int b)")],
    "pool.rb": [
        ("Pool", "class", 0, 0, "class Pool < Base"),
        ("Pool.take", "method", 1, 1, "def take(name)"),
    ],
    "guide.md": [("Guide", "section", 0, 0, "# Guide"), ("Guide > Try it", "section", 1, 2, "## Try it")],
}


@pytest.mark.parametrize("path", FILES)
def test_definitions_have_heads_and_the_lines_of_their_names(path: str) -> None:
    symbols = structure(path, FILES[path]).symbols
    assert [(one.symbol, one.kind, one.depth, one.line, one.signature) for one in symbols] == SHOWN[path]
    assert symbols_of(path, FILES[path]) == symbols


@given(st.text(st.sampled_from("ab_é1.- "), max_size=12), st.text(st.sampled_from("ab_é1."), min_size=1, max_size=3))
def test_a_word_is_what_a_regular_expression_takes_for_one(row: str, name: str) -> None:
    expected = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", row) is not None
    assert _holds_word(row, name) == expected


@pytest.mark.parametrize(
    ("path", "name", "line"),
    [
        ("session.py", "release", 11),
        ("pool.go", "dial", 4),
        ("pool.rs", "dial", 6),
        ("Pool.java", "dial", 3),
        ("pool.cpp", "dial", 4),
        ("pool.rb", "dial", 2),
    ],
)
def test_references_have_their_kinds_and_lines(path: str, name: str, line: int) -> None:
    read = structure(path, FILES[path])
    assert (name, "call", line) in read.sites
    around = read.around(line)
    assert around is not None
    assert around.symbol == SHOWN[path][-1][0]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_alike_whatever_ends_them(end: str) -> None:
    read = structure("session.py", FILES["session.py"].replace("\n", end))
    assert [one.line for one in read.symbols] == [4, 7]
    assert read.symbols[1].signature == SHOWN["session.py"][1][4]
    assert [site.line for site in read.sites if site.name == "release"] == [11]


def test_the_lines_of_a_definition_begin_with_what_is_written_above_it() -> None:
    assert [(one.span.start, one.span.end) for one in structure("session.py", FILES["session.py"]).symbols] == [
        (3, 12),
        (5, 12),
    ]


def test_a_very_long_head_is_cut() -> None:
    found = structure("a.py", f"def f({', '.join(f'a{at}' for at in range(100))}):\n    pass\n").symbols[0]
    assert len(found.signature) == MAX_SIGNATURE_CHARS
    assert found.signature.endswith("…")


@settings(deadline=None)
@given(st.sampled_from(sorted(FILES)), st.randoms(use_true_random=False), st.integers(0, 300))
def test_a_broken_file_still_has_its_lines_in_it(path: str, chance: random.Random, size: int) -> None:
    lines = FILES[path].splitlines(keepends=True) * 2
    chance.shuffle(lines)
    text = "".join(lines)[:size]
    read = structure(path, text)
    last = len(split_lines(text))
    assert all(0 <= one.span.start <= one.line < max(one.span.end, 1) <= max(last, 1) for one in read.symbols)
    assert all(0 <= site.line < last for site in read.sites)


@pytest.mark.parametrize(("path", "text"), [("notes", "def f(): pass\n"), ("a.py", ""), ("a.py", "\n")])
def test_what_has_no_grammar_or_no_text_has_nothing(path: str, text: str) -> None:
    read = structure(path, text)
    assert (read.symbols, read.sites, read.around(0)) == ((), (), None)
