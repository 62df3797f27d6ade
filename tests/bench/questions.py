"""Questions that code answers of itself: the first sentence of a docstring asks for its function."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

LEAST_WORDS, LEAST_LINES = 4, 3
_SENTENCE_END = re.compile(r"(?<=[.!?])\s")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and where the answer is: lines from 0, end not included, as the stripped file has them."""

    text: str
    path: str
    start: int
    end: int


def strip(source: str, path: str) -> tuple[str, list[Question]]:
    """Take the docstrings of all functions out of a Python file, and make questions of them.

    Raises:
        SyntaxError: the file does not parse.
    """
    lines = source.split("\n")
    asked: list[str] = []
    cuts: list[tuple[int, int, str]] = []
    for function in _functions(source):
        doc = function.body[0]
        alone = _stands_alone(doc, lines)
        asked.append(sentence(ast.get_docstring(function) or "") if alone else "")
        if alone:
            rest = "" if len(function.body) > 1 else " " * doc.col_offset + "pass"
            cuts.append((doc.lineno - 1, doc.end_lineno or doc.lineno, rest))
    for start, end, rest in sorted(cuts, reverse=True):
        lines[start:end] = [rest] if rest else []
    stripped = "\n".join(lines)
    places = [(_first_line(each) - 1, each.end_lineno or each.lineno) for each in _functions(stripped)]
    return stripped, [
        Question(text, path, start, end)
        for text, (start, end) in zip(asked, places, strict=True)
        if len(text.split()) >= LEAST_WORDS and end - start >= LEAST_LINES
    ]


def strip_tree(source: Path, target: Path) -> list[Question]:
    """Copy the Python files of a folder without their docstrings; sentences that stand twice ask for neither place."""
    found: list[Question] = []
    for file in sorted(source.rglob("*.py")):
        path = file.relative_to(source)
        try:
            text, questions = strip(file.read_text("utf-8"), path.as_posix())
        except (SyntaxError, UnicodeDecodeError):
            continue
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_text(text, "utf-8")
        found += [] if "test" in path.as_posix() else questions
    times: dict[str, int] = {}
    for each in found:
        times[each.text] = times.get(each.text, 0) + 1
    return [each for each in found if times[each.text] == 1]


def spread(questions: list[Question], most: int) -> list[Question]:
    """At most so many, evenly spread over all."""
    step = max(1.0, len(questions) / most)
    return [questions[int(number * step)] for number in range(min(most, len(questions)))]


def sentence(doc: str) -> str:
    """The first sentence of a docstring."""
    paragraph = " ".join(doc.strip().split("\n\n")[0].split())
    return _SENTENCE_END.split(paragraph)[0].rstrip(".")


def _functions(source: str) -> list[_Function]:
    """All functions in the order of their places."""
    every = [node for node in ast.walk(ast.parse(source)) if isinstance(node, _Function)]
    return sorted(every, key=lambda node: (node.lineno, node.col_offset))


def _first_line(function: _Function) -> int:
    return min([function.lineno, *(each.lineno for each in function.decorator_list)])


def _stands_alone(node: ast.stmt, lines: list[str]) -> bool:
    """Whether a statement is a docstring with lines of its own."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)):
        return False
    before = lines[node.lineno - 1].encode()[: node.col_offset]
    after = lines[(node.end_lineno or node.lineno) - 1].encode()[node.end_col_offset or 0 :]
    return not before.strip() and not after.strip()
