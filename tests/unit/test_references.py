"""References: what a chunk calls, imports, inherits from and speaks of, language by language."""

import pytest

from kibitz.indexer.chunk import chunk_text
from kibitz.indexer.languages import LANGUAGES, language_of
from kibitz.indexer.queries import REFERENCE_KINDS
from kibitz.indexer.references import MAX_REFERENCES
from kibitz.indexer.types import Reference

# path, text, and for each kind the names in the order in which they come
SAMPLES = [
    (
        "a.py",
        "import os.path as p, sys\nfrom ..db.models import Model as M, Field\n\n"
        "@cached\nclass Book(M, base.Named, Generic[T], metaclass=Meta):\n"
        "    def sell(self, to: Person, at: 'later' = None) -> list[shop.Receipt]:\n"
        "        check(to)\n        self.stock.take(1)\n        check(to)\n",
        "import os.path sys ..db.models Model Field; call cached check take; inherit M Named Generic; "
        "type Person list Receipt",
    ),
    (
        "a.js",
        "import fs, {join as j} from './path'\nconst http = require('http')\n"
        "class App extends ui.Page { run() { start(); this.draw(); new Timer(1); new ui.Clock() } }\n",
        "import fs join ./path http; inherit Page; call start draw Timer Clock",
    ),
    (
        "a.ts",
        "import type { Shape } from './shape'\n"
        "class Box extends Base<Item> implements Shape, geo.Solid { size: Map<Key, Value>\n open() { lift<Lid>() } }\n"
        "interface Cube extends Box { }\n",
        "import Shape ./shape; inherit Base Shape Solid Box; type Item Solid Map Key Value Lid; call lift",
    ),
    ("App.tsx", "const App = () => <Page><ui.Card/><div/></Page>\n", "use Page Card"),
    (
        "a.go",
        'package a\n\nimport (\n\t"fmt"\n\tdb "x/store"\n)\n\ntype Pool struct {\n\tBase\n\tlist *Node\n}\n\n'
        "func (p *Pool) Get(k map[Key]db.Value) error {\n\tfmt.Println(k)\n\treturn open()\n}\n",
        "import fmt x/store; inherit Base; type Node Key Value error; call Println open",
    ),
    (
        "a.rs",
        "use std::io::{self, Read as R};\nuse crate::pool::Pool;\nimpl<T: Bound> Source for Pool<T> {\n"
        "    fn next(&self, at: io::Cursor) -> Item { step(); self.list.take(); Vec::new(); say!() }\n}\n"
        "trait Deep: Source {}\n",
        "import std::io Read crate::pool::Pool; type T Bound Pool Cursor Item; inherit Source; call step take new say",
    ),
    (
        "A.java",
        "import a.b.Store;\nimport static a.Check.*;\n@Named class Cache<K> extends Base<K> implements "
        "Store, io.Closeable {\n"
        "  Map<K, Value> all = new HashMap<>();\n  @Override void put() throws Full { check(); "
        "all.put(Value::of); }\n}\n",
        "import a.b.Store a.Check; use Named Override; type K Closeable Map Value Full; inherit Base Store Closeable; "
        "call HashMap check put of",
    ),
    (
        "a.c",
        '#include <stdio.h>\n#include "list.h"\nint walk(struct node *n, size_t m) { visit(n); '
        "n->next(m); return 0; }\n",
        "import stdio.h list.h; type node; call visit next",
    ),
    (
        "a.cpp",
        "#include <map>\nusing std::string;\nclass Map : public Base, Tree<Key> { Node n; };\n"
        "void f() { std::sort(a); m.at<int>(1); new Leaf(); }\n",
        "import map std::string; inherit Base Tree; type Key Node; call sort at Leaf",
    ),
    (
        "A.cs",
        "using System.IO;\nusing L = App.Log;\n[Named] class Reader : Base, IRead<Line> {\n"
        "  Buffer b = new Buffer<Byte>();\n  Line Next(Token t) { Check(); this.b.Fill(); b.Get<int>(); }\n}\n",
        "import System.IO App.Log; use Named; inherit Base IRead; type Line Buffer Byte Token; "
        "call Buffer Check Fill Get",
    ),
    (
        "a.rb",
        "require 'set'\nrequire_relative 'lib/store'\nclass App < Web::Base\n  include Logging\n"
        "  def call(env)\n    check(env)\n    Store.open(1)\n    env.close\n  end\nend\n",
        "import set lib/store; inherit Base Logging; call check open close; use Store",
    ),
    (
        "a.php",
        "<?php\nuse App\\Mail\\Sender;\nrequire 'boot.php';\nclass Mailer extends Base implements "
        "Sender, \\Log\\Aware {\n"
        "  use Queued;\n  function send(Letter $l): ?Receipt { check($l); $this->post(); Box::open(); "
        "new Stamp(); }\n}\n",
        "import App\\Mail\\Sender boot.php; inherit Base Sender Aware Queued; type Letter Receipt; "
        "call check post open Stamp; use Box",
    ),
    (
        "a.sh",
        ". ./env.sh\nsource lib.sh\nbuild() { make all | tee log; }\nbuild\n",
        "import ./env.sh lib.sh; call make tee build",
    ),
    ("a.html", '<script src="app.js"></script><link href="a.css"><p id="x">\n', "import app.js a.css"),
    ("a.css", '@import "base.css";\n@import url(print.css);\n.a { color: red }\n', "import base.css print.css"),
    (
        "a.kt",
        "import a.b.Store\n@Named class Cache<K : Key> : Base(), Store {\n  val all: List<Value> = make()\n"
        "  fun put() { all.add(1) }\n}\n",
        "import a.b.Store; use Named; type Key List Value; inherit Base Store; call make add",
    ),
    (
        "a.swift",
        "import UIKit\nclass Page: View, Shape {\n  let all: Array<Item> = load()\n"
        "  func draw() { self.ink.flow(1) }\n}\n",
        "import UIKit; inherit View Shape; type Array Item; call load flow",
    ),
    (
        "a.scala",
        "import a.b.Store\nclass Cache[K] extends Base[K](1) with Store {\n  val all: Table = new Table()\n"
        "  def put = { check(1); all.add(2); all.map[Int](f) }\n}\n",
        "import a.b.Store; inherit Base Store; type K Table Int; call Table check add map",
    ),
    (
        "a.lua",
        "local json = require('lib.json')\nrequire 'boot'\nfunction M.run() check(1); json.decode(2); M:stop(3) end\n",
        "import lib.json boot; call check decode stop",
    ),
    (
        "a.sql",
        "CREATE VIEW recent AS SELECT total(a) FROM shop.orders JOIN users ON orders.a = users.b;\n"
        "INSERT INTO log VALUES (1);\nUPDATE stock SET a = 1;\nDELETE FROM old;\n",
        "call total; use orders users log stock old",
    ),
    (
        "A.hs",
        "module A where\nimport qualified Data.Map as M\nimport B.C (walk, Tree(..))\ninstance Shape Tree where\n"
        "  area t = size t (M.lookup 1 t)\ngrow :: Tree -> Seed\ngrow = plant . water\n",
        "import Data.Map B.C walk Tree; inherit Shape; call size lookup plant water; type Tree Seed",
    ),
    (
        "a.ex",
        "defmodule Shop.Cart do\n  use Shop.Web\n  import Ecto.Query\n  alias Shop.Item\n  @behaviour Sized\n"
        "  def add(cart, item) when is_map(cart) do\n    check(item)\n    Item.price(item) |> Total.sum()\n"
        "    %Line{a: 1}\n  end\nend\n",
        "inherit Web Sized; import Ecto.Query Shop.Item; call is_map check price sum; use Item Total; type Line",
    ),
]


def said(path: str, text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for chunk in chunk_text(path, text, language_of(path)):
        for reference in chunk.references:
            found.setdefault(reference.kind, []).append(reference.name)
    return found


@pytest.mark.parametrize(("path", "text", "expected"), SAMPLES, ids=[path for path, _, _ in SAMPLES])
def test_what_a_file_refers_to(path: str, text: str, expected: str) -> None:
    wanted = [group.split() for group in expected.split("; ")]
    assert said(path, text) == {kind: names for kind, *names in wanted}


def test_every_language_that_refers_to_things_has_a_sample() -> None:
    assert set(LANGUAGES) - {language_of(path) for path, _, _ in SAMPLES} == {"json", "toml", "markdown"}


def test_a_reference_is_in_the_chunk_that_says_it_and_once_in_each() -> None:
    body = f"    return first('{'x' * 1_200}', first, second())\n"
    chunks = chunk_text("a.py", f"def one():\n{body}\n\ndef two():\n    third()\n{body}", "python")
    assert [[reference.name for reference in chunk.references] for chunk in chunks] == [
        ["first", "second"],
        ["third", "first", "second"],
    ]


def test_a_chunk_keeps_the_first_references_only() -> None:
    (chunk,) = chunk_text("a.py", "".join(f"f{i}()\n" for i in range(100)), "python")
    assert chunk.references == tuple(Reference(f"f{i}", "call") for i in range(MAX_REFERENCES))


def test_a_type_that_a_chunk_defines_is_none_that_it_refers_to() -> None:
    assert said("a.go", "package a\n\ntype Node struct {\n\tnext *Node\n\tkey Key\n}\n") == {"type": ["Key"]}


def test_references_are_of_the_kinds_that_are_told() -> None:
    assert set(REFERENCE_KINDS) == {"call", "import", "inherit", "type", "use"}


def test_code_without_end_refers_to_what_it_says() -> None:
    text = "f(" * 5_000 + "g" + ")" * 5_000 + "\nlast()\n"
    names = said("a.js", text)["call"]
    assert names[0] == "f"
    assert names[-1] == "last"
