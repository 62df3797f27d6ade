"""Syntax trees, seen as what stands on lines of its own."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from kibitz.indexer.languages import grammar

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

_LONE_CR = re.compile(r"\r(?!\n)")

# What is written above the thing that it belongs to.
_LEADS = frozenset(
    {
        "decorator",
        "attribute_item",
        "attribute_list",
        "annotation",
        "marker_annotation",
        "haddock",
        "pragma",
        "marginalia",
        "access_specifier",
    }
)
# Named nodes that end what stands above them.
_ENDS = frozenset({"end_tag", "jsx_closing_element", "keyword_end", "php_end_tag"})


class Placed(NamedTuple):
    """A node and where it stands: `start` is its first line, or that of the comments that belong to it (0-based).

    `alone` says that it begins its line.
    """

    node: "Node"
    start: int
    alone: bool


def parse(text: str, grammar_name: str) -> "Tree | None":
    r"""Parse a text; None when there is no such grammar. Rows of the tree are lines as `split_lines` counts them.

    Tree-sitter ends a row at "\n" only, so a lone "\r" is turned into one first; that moves no byte.
    """
    language = grammar(grammar_name)
    if language is None:
        return None
    from tree_sitter import Parser

    source = _LONE_CR.sub("\n", text) if "\r" in text else text
    return Parser(language).parse(source.encode("utf-8", "replace"))


def last_row(node: "Node") -> int:
    """The last line that holds a part of the node; one that only ends there with a line break does not count."""
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point[0] else row


def place(nodes: "Iterable[Node]") -> list[Placed]:
    """The named children of some neighbouring nodes, each with the comments and decorators above it.

    Comments that stand apart (a blank line below) are placed by themselves, those behind something on its line and
    what only closes (a brace, an `end`) not at all.
    """
    found: list[Placed] = []
    last_end = -1
    lead: tuple[int, int] | None = None  # the first and last line of comments that wait for their owner
    for parent in nodes:
        for node in parent.children:
            row, end = node.start_point[0], last_row(node)
            alone = row > last_end
            last_end = max(end, last_end)
            if not node.is_named or node.type in _ENDS:
                continue
            if is_lead(node):
                if lead is not None and row <= lead[1] + 1:
                    lead = (lead[0], end)
                elif alone:
                    lead = (row, end)
                    found.append(Placed(node, row, alone))
                continue
            if lead is not None and row <= lead[1] + 1:
                found[-1] = Placed(node, lead[0], alone=True)
            else:
                found.append(Placed(node, row, alone))
            lead = None
    return found


def is_lead(node: "Node") -> bool:
    """Whether the node is a comment, a decorator or an attribute, which goes with what is below it."""
    kind = node.type
    if "comment" in kind or kind in _LEADS:
        return True
    # Elixir: @doc, @spec, @impl
    return kind == "unary_operator" and node.child_count == 2 and node.children[0].type == "@"
