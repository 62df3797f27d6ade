"""Chunks: every line in exactly one, cut where a reader would cut."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.indexer.chunk import chunk_text
from kibitz.indexer.languages import LANGUAGES
from kibitz.indexer.lines import MAX_LINE_CHARS, split_lines
from kibitz.indexer.split import LIMIT
from kibitz.indexer.types import Chunk
from tests.unit.test_languages import SAMPLES

GOLDEN = Path(__file__).parent.parent / "golden"


def weight(chunk: Chunk) -> int:
    return len("".join(chunk.text.split()))


def assert_covers(text: str, chunks: list[Chunk]) -> None:
    lines = split_lines(text)
    if not lines:
        assert chunks == []
        return
    assert chunks[0].span.start == 0
    assert chunks[-1].span.end == len(lines)
    assert all(one.span.end == other.span.start for one, other in pairwise(chunks))
    for chunk in chunks:
        assert chunk.span.start < chunk.span.end
        assert chunk.text == "".join(line[:MAX_LINE_CHARS] for line in lines[chunk.span.start : chunk.span.end])
        assert weight(chunk) <= LIMIT * 1.25 or chunk.span.end - chunk.span.start == 1


ODD = st.text(alphabet=st.sampled_from(list("ab \n\r\t\f(){}[]<>:;,.\"'`#/*-=@$|\\0é\u2028\ud800\x00")), max_size=300)


@settings(max_examples=150, deadline=None)
@given(text=ODD | st.text(max_size=200), language=st.sampled_from([*LANGUAGES, "", "cobol"]))
def test_any_text_in_any_language_is_covered_by_its_chunks(text: str, language: str) -> None:
    assert_covers(text, chunk_text("a", text, language))


@settings(max_examples=150, deadline=None)
@given(data=st.data(), language=st.sampled_from(LANGUAGES))
def test_code_that_was_cut_up_and_repeated_is_covered_by_its_chunks(data: st.DataObject, language: str) -> None:
    lines = split_lines(SAMPLES[language][1])
    line = st.sampled_from(lines) | st.sampled_from(["\n", "}\n", "    x = 1;\n", "/*\n", '"""\n', "x" * 700 + "\n"])
    text = "".join(data.draw(st.lists(line, max_size=120)))
    assert_covers(text, chunk_text(SAMPLES[language][0], text, language))


WORDS = st.sampled_from(
    [
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "def f():",
        "class A {",
        "fn g() {",
        "if x:",
        "x = 1",
        '"',
        "'",
        "# ",
        "// ",
        "/*",
        "*/",
    ]
)
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", " "])


@st.composite
def files(draw: st.DrawFn) -> str:
    """Files of any length: with or without a byte order mark, mixed line ends, depth, long lines, no last line end."""
    deep = draw(st.integers(0, 400))
    parts = [
        draw(st.sampled_from(["", "\ufeff"])),
        *(word + end for word, end in draw(st.lists(st.tuples(WORDS | st.text(max_size=40), ENDS), max_size=60))),
        draw(st.sampled_from(["", "x" * (MAX_LINE_CHARS - 3), "é" * (MAX_LINE_CHARS + 7)])),
        draw(st.sampled_from(["(", "{\n", "[", "if x:\n ", "<a>"])) * deep,
        draw(st.text(max_size=100)),
    ]
    return "".join(parts)


@settings(max_examples=200, deadline=None)
@given(text=files(), language=st.sampled_from([*LANGUAGES, ""]))
def test_every_byte_of_a_file_is_in_exactly_one_chunk(text: str, language: str) -> None:
    chunks = chunk_text("a.tsx" if language == "typescript" else "a", text, language)
    assert_covers(text, chunks)
    whole = "".join(line[:MAX_LINE_CHARS] for line in split_lines(text))
    assert "".join(chunk.text for chunk in chunks) == whole
    assert all(len(line) <= MAX_LINE_CHARS for line in split_lines(text)) <= (whole == text)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), language=st.sampled_from(["python", "go", "rust", "java", "typescript", "ruby", "c"]))
def test_no_definition_that_fits_is_cut(data: st.DataObject, language: str) -> None:
    head, line, end = {
        "python": ("def NAME():\n", "    x = '{}'\n", ""),
        "go": ("func NAME() {\n", '\tx := "{}"\n', "}\n"),
        "rust": ("fn NAME() {\n", '    let x = "{}";\n', "}\n"),
        "java": ("class NAME {\n", '    String x = "{}";\n', "}\n"),
        "typescript": ("export function NAME() {\n", '  const x = "{}"\n', "}\n"),
        "ruby": ("def NAME\n", "  x = '{}'\n", "end\n"),
        "c": ("int NAME(void) {\n", '  char *x = "{}";\n', "}\n"),
    }[language]
    mark = "#" if language in ("python", "ruby") else "//"
    wholes = []
    for number, count in enumerate(data.draw(st.lists(st.integers(1, 12), min_size=1, max_size=12))):
        body = "".join(line.replace("{}", "y" * 80) for _ in range(count))
        wholes.append(f"{mark} Explains f{number}.\n" + head.replace("NAME", f"f{number}") + body + end)
    gap = data.draw(st.sampled_from(["", "\n", "\n\n"]))
    chunks = chunk_text("a", gap.join(wholes), language)
    for number, whole in enumerate(wholes):
        assert [whole in chunk.text for chunk in chunks].count(True) == 1
        assert [f"f{number}" in chunk.defines for chunk in chunks].count(True) == 1


@pytest.mark.parametrize(
    ("path", "language", "text", "name"),
    [
        ("a.h", "cpp", "int open(const char *template, int class);\nstruct node { int new; };\n", "node"),
        ("a.h", "cpp", "namespace n {\nclass Map { int at(int i) { return i; } };\n}\n", "Map"),
        ("a.c", "c", "class Map : Base {\n public:\n  int at(int i) { return std::move(i); }\n};\n", "Map"),
        ("a.c", "c", "struct node { int class; int new; };\n", "node"),
    ],
)
def test_c_and_cpp_are_told_apart_by_what_reads_without_an_error(
    path: str, language: str, text: str, name: str
) -> None:
    (chunk,) = chunk_text(path, text, language)
    assert chunk.defines[0] == name
    assert chunk.language == language


def test_a_type_in_a_header_that_only_c_reads_is_found() -> None:
    text = "typedef list_of(node) node_list;\nint new(int class);\n"
    assert chunk_text("a.h", text, "cpp")[0].defines == ("node_list",)


def test_comments_inside_what_comes_before_do_not_belong_to_what_follows() -> None:
    first = f"def f():\n    return '{'x' * 800}'\n    # the end of f\n"
    second = f"def g():\n    return '{'x' * 800}'\n"
    assert [chunk.text for chunk in chunk_text("a.py", first + second, "python")] == [first, second]


def test_an_empty_file_has_no_chunks() -> None:
    assert chunk_text("a.py", "", "python") == []


def test_one_short_file_is_one_chunk() -> None:
    (chunk,) = chunk_text("a.py", "import os\n\n\ndef f():\n    return os\n", "python")
    assert (chunk.symbol, chunk.defines, chunk.kind) == ("", ("f",), "function")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_make_no_difference_to_where_it_is_cut(end: str) -> None:
    text = "\n".join(f"def f{i}():\n    return {'x' * 600}\n" for i in range(8))
    plain = chunk_text("a.py", text, "python")
    other = chunk_text("a.py", text.replace("\n", end), "python")
    assert [(one.span, one.symbol, one.defines) for one in other] == [
        (one.span, one.symbol, one.defines) for one in plain
    ]


def test_a_form_feed_ends_no_line() -> None:
    (chunk,) = chunk_text("a.py", "a = 1\n\f\nb = 2\x0cc\n", "python")
    assert chunk.span.end == 3


def test_a_class_that_fits_is_not_cut() -> None:
    small = "class A:\n" + "".join(f"    def f{i}(self):\n        return {i}\n\n" for i in range(20))
    big = "x = [\n" + "".join(f"    '{'y' * 40}',\n" for _ in range(60)) + "]\n\n"
    chunks = chunk_text("a.py", big + small, "python")
    assert chunks[-1].symbol == "A"
    assert chunks[-1].defines[:2] == ("A", "f0")


def test_a_large_class_is_cut_between_its_methods_and_each_knows_where_it_is() -> None:
    body = "".join(f"    def method_{i}(self):\n        return '{'x' * 1_200}'\n\n" for i in range(3))
    chunks = chunk_text("a.py", f"class Store:\n    '''Keeps things.'''\n\n{body}", "python")
    assert [(one.symbol, one.defines, one.kind) for one in chunks] == [
        ("Store", ("Store", "method_0"), "class"),
        ("Store.method_1", ("method_1",), "method"),
        ("Store.method_2", ("method_2",), "method"),
    ]


def test_the_parts_of_a_long_function_carry_its_name() -> None:
    body = "".join(f"    step_{i} = '{'x' * 300}'\n" for i in range(12))
    chunks = chunk_text("a.py", f"def run():\n{body}", "python")
    assert len(chunks) > 1
    assert {one.symbol for one in chunks} == {"run"}
    assert [one.defines for one in chunks] == [("run",), *[()] * (len(chunks) - 1)]
    assert {one.kind for one in chunks} == {"function"}


@pytest.mark.parametrize(
    ("path", "language", "above", "definition"),
    [
        ("a.py", "python", "# Explains it.\n@cached\n@other(1)\n", "def NAME():\n    return 'BODY'\n"),
        ("a.rs", "rust", "/// Explains it.\n/// More.\n#[inline]\n", 'fn NAME() -> &str {\n    "BODY"\n}\n'),
        ("a.go", "go", "// NAME explains it.\n", 'func NAME() string {\n\treturn "BODY"\n}\n'),
        ("a.ts", "typescript", "/**\n * Explains it.\n */\n", 'export function NAME() {\n  return "BODY"\n}\n'),
        ("A.java", "java", "/** Explains it. */\n@Tag\n", 'class NAME {\n  String s = "BODY";\n}\n'),
        ("a.cpp", "cpp", "// Explains it.\ntemplate <class T>\n", 'T NAME() {\n  return "BODY";\n}\n'),
        ("a.ex", "elixir", '@doc "Explains it."\n@spec NAME() :: a\n', 'def NAME() do\n  "BODY"\nend\n'),
        ("A.hs", "haskell", "-- | Explains it.\nname :: Int -> Int\n", 'name 0 = "BODY"\nname x = x\n'),
        ("a.sh", "bash", "# Explains it.\n", 'NAME() {\n  echo "BODY"\n}\n'),
        ("a.rb", "ruby", "# Explains it.\n", 'def NAME\n  "BODY"\nend\n'),
    ],
)
def test_what_stands_above_a_definition_goes_with_it(path: str, language: str, above: str, definition: str) -> None:
    one = (above + definition).replace("BODY", "x" * 900).replace("NAME", "name") + "\n"
    other = one.replace("name", "other")
    chunks = chunk_text(path, other + one, language)
    assert [chunk.text for chunk in chunks] == [other, one]
    assert [chunk.symbol for chunk in chunks] == ["other", "name"]


def test_a_comment_that_stands_apart_does_not_belong_to_what_follows() -> None:
    words = "# " + "word " * 300 + "\n"
    chunks = chunk_text("a.py", f"{words}\n\ndef f():\n    return '{'x' * 900}'\n", "python")
    assert [one.symbol for one in chunks] == ["", "f"]


def test_methods_are_named_by_what_they_belong_to() -> None:
    filler = "x" * 1_300
    go = f'package a\n\nfunc (s *Store[T]) Get() string {{\n\treturn "{filler}"\n}}\n'
    rust = f'impl<T> Read for Pool<T> {{\n    fn read(&self) -> &str {{\n        "{filler}"\n    }}\n}}\n'
    cpp = f'// c\n\nint app::Map<T>::at(int i) {{\n  return "{filler}";\n}}\n'
    assert chunk_text("a.go", go, "go")[-1].symbol in ("Store.Get", "")
    assert chunk_text("a.go", go, "go")[-1].kind == "method"
    assert chunk_text("a.rs", rust, "rust")[0].defines == ("read",)
    assert chunk_text("a.rs", rust, "rust")[0].symbol == "Pool"
    assert chunk_text("a.cpp", cpp, "cpp")[-1].defines == ("at",)


def test_sections_of_prose_are_named_by_their_headings() -> None:
    text = f"# Guide\n\n{'word ' * 200}\n\n## Install\n\n{'word ' * 300}\n\n## Use\n\n{'word ' * 350}\n"
    chunks = chunk_text("a.md", text, "markdown")
    assert [(one.symbol, one.kind) for one in chunks] == [
        ("Guide", "section"),
        ("Guide > Install", "section"),
        ("Guide > Use", "section"),
    ]


def test_a_file_in_no_known_language_is_cut_at_blank_lines() -> None:
    block = "pub fn f() void {\n    const a = 1;\n\n    const b = 'WORD';\n}\n\n".replace("WORD", "x" * 700)
    chunks = chunk_text("a.zig", block * 4, "")
    assert [one.text for one in chunks] == [block * 2, block * 2]
    assert {(one.kind, one.language, one.symbol) for one in chunks} == {("text", "", "")}


def test_a_huge_line_makes_no_huge_chunk() -> None:
    text = f'const data = "{"x" * 400_000}";\nfunction f() {{}}\n'
    chunks = chunk_text("a.js", text, "javascript")
    assert_covers(text, chunks)
    assert max(len(one.text) for one in chunks) <= MAX_LINE_CHARS
    assert chunks[-1].defines == ("f",)


def test_nesting_beyond_reason_is_cut_all_the_same() -> None:
    text = "x = (" + "(\n" * 3_000 + ")\n" * 3_000 + ")\n"
    assert_covers(text, chunk_text("a.py", text, "python"))
    text = "x = (" + "\n + ".join("abcdefgh" for _ in range(4_000)) + ")\n"
    assert_covers(text, chunk_text("a.py", text, "python"))


@pytest.mark.parametrize(
    ("path", "language", "text"),
    [
        ("a.py", "python", "# c\n" * 50_000),
        ("a.py", "python", "  # c\n# c\n" * 25_000),
        ("a.c", "c", "class a " * 12_000),
        ("a.js", "javascript", "function f() {\n" * 190 + "x();\n" * 20_000 + "}\n" * 190),
    ],
    ids=["comments", "stepped comments", "words", "functions"],
)
def test_what_would_take_quadratic_time_is_cut_all_the_same(path: str, language: str, text: str) -> None:
    assert_covers(text, chunk_text(path, text, language))


def draw(chunks: list[Chunk]) -> str:
    """Chunks as one reads them: a rule above each that says what it is."""
    return "".join(f"---- {one.kind} {one.symbol or '-'} [{' '.join(one.defines)}]\n{one.text}" for one in chunks)


@pytest.mark.parametrize("name", ["chunk_python", "chunk_typescript", "chunk_cpp", "chunk_markdown"])
def test_golden_files(name: str) -> None:
    language = name.removeprefix("chunk_")
    golden = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    text = "".join(line for line in golden.splitlines(keepends=True) if not line.startswith("---- "))
    assert draw(chunk_text(f"a.{language}", text, language)) == golden
