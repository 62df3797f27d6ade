"""Trees of open documents: what an incremental parse gives is what a fresh one gives."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tree_sitter import Node, Tree

from kibitz.indexer.chunk import chunk_text
from kibitz.indexer.languages import grammar_name
from kibitz.indexer.reparse import Reparser
from kibitz.indexer.syntax import parse
from tests.unit.test_languages import SAMPLES


def shape(node: Node) -> object:
    """A tree as a value: what every node is and where it stands."""
    return (
        (node.type, node.start_byte, node.end_byte, node.start_point, node.end_point, node.is_named),
        [shape(child) for child in node.children],
    )


def fresh(text: str, grammar: str) -> Tree:
    tree = parse(text, grammar)
    assert tree is not None
    return tree


COMMENTS = {"python": "#", "ruby": "#"}
LANGUAGES = ["python", "javascript", "typescript", "go", "rust", "java", "c", "ruby", "json"]
WORDS = st.sampled_from(
    [
        "x",
        " ",
        "\n",
        "\r\n",
        "\r",
        "(",
        ")",
        "{",
        "}",
        "é",
        "日本",
        "🎈",
        "# c\n",
        "/* d */",
        '"s"',
        "1 + ",
        "if ",
        "\t",
    ]
)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), language=st.sampled_from(LANGUAGES))
def test_a_document_that_is_edited_has_the_tree_of_its_text(data: st.DataObject, language: str) -> None:
    text = SAMPLES[language][1] * 3
    reparser = Reparser()
    reparser.parse("a", text, language)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + "".join(data.draw(st.lists(WORDS, max_size=3))) + text[end:]
        tree = reparser.parse("a", text, language)
        assert tree is not None
        right = fresh(text, language)
        assert tree.root_node.has_error == right.root_node.has_error
        if not right.root_node.has_error:  # from an error tree-sitter may recover in more than one way
            assert shape(tree.root_node) == shape(right.root_node)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), language=st.sampled_from(LANGUAGES), end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_edits_that_break_nothing_leave_the_tree_of_the_text(data: st.DataObject, language: str, end: str) -> None:
    def line(number: int) -> str:
        return f'"é{number}", "日本",\n' if language == "json" else f"{COMMENTS.get(language, '//')} é{number} 🎈\n"

    lines = [line(number) for number in range(9)]
    body = SAMPLES[language][1]
    reparser = Reparser()
    for step in range(data.draw(st.integers(2, 5))):
        at = data.draw(st.integers(0, len(lines)))
        lines[at : data.draw(st.integers(at, len(lines)))] = [line(step)] * data.draw(st.integers(0, 3))
        text = f"[{''.join(lines)}0]\n" if language == "json" else "".join(lines) + body + "".join(lines)
        text = text.replace("\n", end)
        tree = reparser.parse("a", text, language)
        assert tree is not None
        assert shape(tree.root_node) == shape(fresh(text, language).root_node)


@pytest.mark.parametrize("language", LANGUAGES)
def test_chunks_of_an_edited_document_are_those_of_its_text(language: str) -> None:
    path, text, _ = SAMPLES[language]
    reparser = Reparser()
    name = grammar_name(path, language)
    reparser.parse(path, text, name)
    edited = text * 2
    tree = reparser.parse(path, edited, name)
    assert chunk_text(path, edited, language, tree=tree) == chunk_text(path, edited, language)


def test_the_same_text_is_not_parsed_again() -> None:
    reparser = Reparser()
    assert reparser.parse("a", "x = 1\n", "python") is reparser.parse("a", "x = 1\n", "python")


def test_only_the_last_documents_are_kept() -> None:
    reparser = Reparser(documents=2)
    trees = {path: reparser.parse(path, "x = 1\n", "python") for path in "ab"}
    assert reparser.parse("a", "x = 1\n", "python") is trees["a"]
    reparser.parse("c", "x = 1\n", "python")
    assert reparser.parse("a", "x = 1\n", "python") is trees["a"]
    assert reparser.parse("b", "x = 1\n", "python") is not trees["b"]


def test_a_document_that_changes_its_grammar_is_parsed_anew() -> None:
    reparser = Reparser()
    reparser.parse("a", "x = 1\n", "python")
    tree = reparser.parse("a", "x = 1;\n", "javascript")
    assert tree is not None
    assert shape(tree.root_node) == shape(fresh("x = 1;\n", "javascript").root_node)


def test_a_closed_document_is_forgotten() -> None:
    reparser = Reparser()
    tree = reparser.parse("a", "x = 1\n", "python")
    reparser.forget("a")
    assert reparser.parse("a", "x = 1\n", "python") is not tree


def test_a_document_without_a_grammar_has_no_tree() -> None:
    assert Reparser().parse("a.zig", "const a = 1;", "") is None
