"""Languages: by name, by shebang, and one small sample of each through its grammar."""

import pytest

from kibitz.indexer.chunk import chunk_text
from kibitz.indexer.languages import LANGUAGES, grammar, language_of
from kibitz.indexer.syntax import parse


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a/b.py", "python"),
        ("b.pyi", "python"),
        ("Main.KT", "kotlin"),
        ("include/list.h", "cpp"),
        ("list.c", "c"),
        ("app.tsx", "typescript"),
        ("types.d.ts", "typescript"),
        ("Program.cs", "c-sharp"),
        ("Rakefile", "ruby"),
        ("lib/tasks/db.rake", "ruby"),
        (".bashrc", "bash"),
        ("mix.exs", "elixir"),
        ("README.md", "markdown"),
        ("App.vue", "html"),
        ("main.zig", ""),
        ("LICENSE", ""),
        (".gitignore", ""),
        ("py", ""),
        ("dir.py/notes", ""),
    ],
)
def test_a_file_name_tells_the_language(path: str, language: str) -> None:
    assert language_of(path) == language


@pytest.mark.parametrize(
    ("head", "language"),
    [
        ("#!/bin/sh -e\n", "bash"),
        ("#!/usr/bin/env python3\nimport os", "python"),
        ("#!/usr/bin/python3.12", "python"),
        ("#!/usr/bin/env -S NODE_ENV=x node --harmony\n", "javascript"),
        ("#!/usr/bin/env ruby\r\n", "ruby"),
        ("#! /usr/bin/env elixir\n", "elixir"),
        ("#!/usr/bin/perl\n", ""),
        ("#!\n", ""),
        ("#!/usr/bin/env\n", ""),
        ("# /bin/sh", ""),
    ],
)
def test_a_shebang_tells_the_language_of_a_file_without_extension(head: str, language: str) -> None:
    assert language_of("bin/tool", head) == language


def test_an_extension_wins_over_a_shebang() -> None:
    assert language_of("tool.rb", "#!/bin/sh\n") == "ruby"


def test_there_are_twenty_four_languages() -> None:
    assert len(LANGUAGES) == 24
    assert all(grammar(language) is not None for language in (*LANGUAGES, "tsx"))
    assert grammar("cobol") is None
    assert grammar("") is None


# language: (path, text, the names it defines, the dotted paths of what single chunks would be in it)
SAMPLES: dict[str, tuple[str, str, str]] = {
    "python": (
        "a.py",
        "@cached\nclass Session:\n    def close(self): ...\n\nasync def fetch(): ...\ntype Pair = tuple[int, int]\n",
        "Session close fetch Pair",
    ),
    "javascript": (
        "a.js",
        "export default class Store extends Base { get size() { return 1 } #read = () => 1 }\n"
        "function open() {}\nfunction* walk() {}\nexport const close = async (a) => a\n"
        "module.exports.flush = function () {}\nStore.prototype.drop = function () {}\nconst api = { list() {} }\n",
        "Store size read open walk close flush drop list",
    ),
    "typescript": (
        "a.ts",
        "export interface Shape { area(): number }\ntype Id = string\nenum Color { Red }\n"
        "abstract class Box { abstract open(): void; private shut = () => {} }\n"
        "namespace Geo { export function near() {} }\ndeclare function far(): void\nconst pick = <T,>(a: T) => a\n",
        "Shape area Id Color Box open shut Geo near far pick",
    ),
    "go": (
        "a.go",
        "package a\n\nfunc Open() {}\nfunc (s *Store[T]) Close() {}\ntype Store[T any] struct{ a T }\n"
        "type (\n\tReader interface{ Read() }\n\tID = int\n)\n",
        "Open Close Store Reader ID",
    ),
    "rust": (
        "a.rs",
        "pub struct Pool<T>(T);\nimpl<'a, T> Drop for Pool<T> { fn drop(&mut self) {} }\n"
        "trait Read { fn read(&self); }\nenum Kind { A }\nmod inner { fn hidden() {} }\n"
        "macro_rules! say { () => {} }\ntype Id = u8;\nunion Bits { a: u8 }\n",
        "Pool drop Read read Kind inner hidden say Id Bits",
    ),
    "java": (
        "A.java",
        "package a;\n@Named public class Cache {\n  Cache() {}\n  void put() {}\n  interface Loader {}\n"
        "  enum Mode { A }\n  record Entry(int a) {}\n  @interface Tag {}\n}\n",
        "Cache put Loader Mode Entry Tag",
    ),
    "c": (
        "a.c",
        "#define MAX(a, b) a\nstruct node { int a; };\ntypedef struct { int b; } list_t;\nenum color { RED };\n"
        "static int *find(struct node *n) { return 0; }\nint count(void);\ntypedef int (*visit)(int);\n",
        "MAX node list_t color find visit",
    ),
    "cpp": (
        "a.h",
        "namespace n::m {\nclass Map : Base {\n public:\n  Map();\n  ~Map() {}\n  int size() const { return 0; }\n"
        "  bool operator==(const Map& o) { return true; }\n};\n}\n"
        "template <class T>\nT Map<T>::at(int i) { return 0; }\ntemplate <> struct hash<Map> {};\n"
        "enum class Kind { A };\nusing Id = int;\nint& Map::ref() { static int a; return a; }\n",
        "Map ~Map size operator== at hash Kind Id ref",
    ),
    "c-sharp": (
        "A.cs",
        "namespace N.M {\n  class Reader { Reader() {} void Read() {} interface IPart {} struct Point {} }\n"
        "  enum Mode { A }\n  record Pair(int A);\n  delegate void Done();\n}\n",
        "Reader Read IPart Point Mode Pair Done",
    ),
    "ruby": (
        "a.rb",
        "module Web\n  class App < Base\n    def call; end\n    def self.run; end\n"
        "    private def hidden = 1\n  end\nend\n"
        "class Web::Other; end\n",
        "Web App call run hidden Other",
    ),
    "php": (
        "a.php",
        "<?php\nnamespace A\\B;\nclass Mailer extends Base { public function send() {} }\ninterface Transport {}\n"
        "trait Queued {}\nenum Level {}\nfunction helper() {}\n",
        "Mailer send Transport Queued Level helper",
    ),
    "bash": ("a.sh", "build() { echo; }\nfunction clean { :; }\n", "build clean"),
    "json": ("a.json", '{"a": 1, "b": {"c": [1]}}\n', ""),
    "html": ("a.html", "<html><body><h1>x</h1><script>var a</script></body></html>\n", ""),
    "css": ("a.css", ".a > b { c: d }\n@media print { .q { a: b } }\n", ""),
    "kotlin": (
        "a.kt",
        "package a\nclass Client(val x: Int) {\n  fun get() {}\n  companion object {\n    fun of() {}\n  }\n}\n"
        "interface Engine\nobject Registry\nfun String.trimmed() {}\ntypealias Id = Int\nenum class Mode { A }\n",
        "Client get of Engine Registry trimmed Id Mode",
    ),
    "swift": (
        "a.swift",
        "class View {\n  init() {}\n  func draw() {}\n}\nstruct Point {}\nprotocol Shape {\n  func area()\n}\n"
        "extension View {\n  func hide() {}\n}\nenum Mode { case a }\nfunc main() {}\nactor Bank {}\n"
        "typealias Id = Int\n",
        "View init draw Point Shape area hide Mode main Bank Id",
    ),
    "scala": (
        "a.scala",
        "package a\nclass Router {\n  def route() = 1\n}\nobject Router\ntrait Codec {\n  def encode: Int\n}\n"
        "case class Req(a: Int)\nenum Mode { case A }\ntype Id = Int\ndef run() = 1\n",
        "Router route Codec encode Req Mode Id run",
    ),
    "lua": (
        "a.lua",
        "function open() end\nlocal function shut() end\nfunction M.a.deep() end\nfunction M:method() end\n"
        "M.set = function() end\nlocal get = function() end\nreturn { run = function() end }\n",
        "open shut deep method set get run",
    ),
    "markdown": ("a.md", "# Title\n\ntext\n\n## Part\n\n```py\nx\n```\n", ""),
    "sql": (
        "a.sql",
        "CREATE TABLE shop.orders (a int);\nCREATE VIEW recent AS SELECT 1;\n"
        "CREATE FUNCTION total() RETURNS int AS $$ SELECT 1 $$ LANGUAGE sql;\n",
        "orders recent total",
    ),
    "toml": ("a.toml", "a = 1\n[tool.ruff]\nb = 2\n[[items]]\nc = 3\n", ""),
    "haskell": (
        "A.hs",
        "module A where\ndata Tree = Leaf | Node\nnewtype Id = Id Int\ntype Name = String\nclass Shape a where\n"
        "  area :: a -> Int\ninstance Shape Int where\n  area = id\nfact :: Int -> Int\nfact 0 = 1\nfact n = n\n"
        "(<+>) a b = a\nunit = 1\n",
        "Tree Id Name Shape area fact <+> unit",
    ),
    "elixir": (
        "a.ex",
        'defmodule Shop.Cart do\n  @doc "x"\n  def add(a), do: a\n  defp total(a) when a > 1 do\n    a\n  end\n'
        "  def total(a, b), do: a\n  defmacro mark(x) do\n  end\nend\ndefprotocol Size do\nend\n"
        "defimpl Size, for: Cart do\n  def size(a), do: a\nend\n",
        "Cart add total mark Size size",
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sample_parses_and_its_definitions_have_names(language: str) -> None:
    path, text, expected = SAMPLES[language]
    assert language_of(path) == language
    tree = parse(text, language)
    assert tree is not None
    assert not tree.root_node.has_error
    chunks = chunk_text(path, text, language)
    assert "".join(chunk.text for chunk in chunks) == text
    assert {chunk.language for chunk in chunks} == {language}
    assert [name for chunk in chunks for name in chunk.defines] == expected.split()


def test_a_tsx_file_is_parsed_with_the_grammar_that_knows_tags() -> None:
    text = "export const App = () => <main>{items.map((one) => <Item key={one} />)}</main>\n"
    (chunk,) = chunk_text("App.tsx", text, "typescript")
    assert chunk.defines == ("App",)
