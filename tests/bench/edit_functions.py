"""Functions of real files, and changes of their lines that still parse."""

import ast
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.edit_answers import Change

LEAST_LINES, MOST_LINES, MOST_FILE_LINES = 6, 60, 1_500
Rng = random.Random
_WORD = re.compile(r"\b[a-z_]{4,}\b")
_SIMPLE = (ast.Expr, ast.Assign, ast.Return, ast.AugAssign, ast.AnnAssign, ast.Raise, ast.Assert)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of a file: lines `start` to `end`, its decorators from `top`, its simple statements (start, end)."""

    path: str
    lines: tuple[str, ...]
    name: str
    top: int
    start: int
    end: int
    statements: tuple[tuple[int, int], ...]


def functions_of(root: Path) -> list[Function]:
    """The functions of the Python files below a folder that are neither tiny nor huge."""
    found: list[Function] = []
    for file in sorted(root.rglob("*.py")):
        text = file.read_text("utf-8", "replace")
        if not text.endswith("\n") or re.search("[\r\f\v\x1c-\x1e\x85\u2028\u2029\ufffd]", text):
            continue
        found += _functions(file.relative_to(root).as_posix(), text)
    return found


def _functions(path: str, text: str) -> Iterator[Function]:
    lines = tuple(text.splitlines(keepends=True))
    tree = parsed(text)
    if tree is None or len(lines) > MOST_FILE_LINES:
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        start, end = node.lineno - 1, node.end_lineno or node.lineno
        if not LEAST_LINES <= end - start <= MOST_LINES:
            continue
        statements = tuple(
            (part.lineno - 1, part.end_lineno or part.lineno)
            for part in ast.walk(node)
            if isinstance(part, _SIMPLE) and part is not node.body[0] and part.lineno > node.body[0].lineno
        )
        top = min([start, *(decorator.lineno - 1 for decorator in node.decorator_list)])
        if statements:
            yield Function(path, lines, node.name, top, start, end, statements)


def changes(rng: Rng, function: Function, count: int = 1, *, apart: int = 0) -> list[Change] | None:
    """Change some places of a function, in order and so many lines apart; None where the result would not parse."""
    chosen: list[Change] = []
    for start, end in sorted(rng.sample(function.statements, min(count, len(function.statements)))):
        change = _change(rng, function.lines, start, end)
        if chosen and change.start < chosen[-1].end + apart:
            return None
        chosen.append(change)
    new = made(function.lines, chosen)
    same = len(chosen) < count or new == "".join(function.lines)
    return None if same or parsed(new) is None else chosen


def _change(rng: Rng, lines: Sequence[str], start: int, end: int) -> Change:
    row = lines[start]
    indent = row[: len(row) - len(row.lstrip())]
    line = f"{indent}probe_{rng.randrange(1000)} = measure({rng.randrange(1000)})\n"
    what = rng.choice(["rename", "rename", "before", "after", "instead", "delete", "wrap"])
    words = [(at, word[0]) for at in range(start, end) for word in _WORD.finditer(lines[at])]
    if what == "rename" and words:
        at, word = rng.choice(words)
        return Change(at, at + 1, (re.sub(rf"\b{word}\b", f"{word}_new", lines[at], count=1),))
    if what == "before":
        return Change(start, start, (line,))
    if what == "after":
        return Change(end, end, (line, line.replace("probe", "second")))
    if what == "delete":
        return Change(start, end, ())
    if what == "wrap" and end == start + 1:
        return Change(start, end, (f"{indent}if probe_it:\n", f"    {row}"))
    return Change(start, end, (line,))


def made(lines: Sequence[str], chosen: Sequence[Change]) -> str:
    """Return the text with changes made."""
    pieces: list[str] = []
    at = 0
    for change in chosen:
        pieces += [*lines[at : change.start], *change.new]
        at = change.end
    return "".join([*pieces, *lines[at:]])


def standing(text: Sequence[str], lines: Sequence[str], key: Callable[[str], str] = str, *, edges: bool = False) -> int:
    """Count the places where lines stand in others; blank lines around them count only as `edges`."""
    wanted, have = [key(line) for line in text], [key(line) for line in lines]
    while not edges and wanted and not wanted[0].strip():
        wanted = wanted[1:]
    while not edges and wanted and not wanted[-1].strip():
        wanted = wanted[:-1]
    return sum(have[i : i + len(wanted)] == wanted for i in range(len(have) - len(wanted) + 1)) if wanted else 2


def parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
