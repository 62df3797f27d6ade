"""How many syntax errors a text has, by its grammar."""

import ast
import warnings
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SyntaxErrors:
    """The number of errors, and the 0-based line of the first one (0 when there is none)."""

    count: int
    first_line: int = 0


def count_syntax_errors(text: str, language: str, path: str = "") -> SyntaxErrors | None:
    """Count the ERROR and MISSING nodes of a text's syntax tree; None for a language without a grammar.

    The path's own language goes before the one named: editors spell names of their own ("typescriptreact").
    """
    from kibitz.indexer.languages import grammar, grammar_name, language_of

    known = grammar(grammar_name(path, language_of(path) or language))
    if known is None:
        return None
    import tree_sitter

    tree = tree_sitter.Parser(known).parse(text.encode("utf-8", "replace"))
    count, first = 0, -1
    pending = [tree.root_node]
    while pending:  # not recursive: trees are as deep as the text is nested
        node = pending.pop()
        if node.is_error or node.is_missing:
            count += 1
            line = node.start_point[0]
            first = line if first < 0 else min(first, line)
        if node.has_error:
            pending.extend(node.children)
    return SyntaxErrors(count, max(first, 0))


def indentation_error(text: str, language: str, path: str = "") -> int | None:
    """Return the 0-based line where Python's indentation is wrong; None when it is right or not Python.

    The grammar is lenient about indentation, Python is not. Other errors are the grammar's to find: which syntax
    is valid depends on the Python that runs this.
    """
    from kibitz.indexer.languages import language_of

    if (language_of(path) or language) != "python":
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            ast.parse(text)
    except IndentationError as error:
        return (error.lineno or 1) - 1
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return None
