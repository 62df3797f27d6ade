"""What an edit is: a target, the text before and after, and the line replacements between them."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kibitz.indexer.types import Span
from kibitz.server.edit.lines import split_lines

NO_NEWLINE = "\n\\ No newline at end of file\n"
MAX_EXACT_CELLS = 4_000_000  # lines x lines up to which the differ may take quadratic time


@dataclass(frozen=True, slots=True)
class Target:
    """What an instruction is about: lines of one document.

    `path` is relative to the workspace with "/", `text` the whole document as it is now, `span` the lines to edit;
    a span that covers the document asks for an edit anywhere in it.
    """

    path: str
    text: str
    span: Span
    language: str = ""

    def __post_init__(self) -> None:
        if self.span.end > len(split_lines(self.text)) + 1:
            raise ValueError(f"{self.path} has no lines {self.span}")

    @property
    def whole_file(self) -> bool:
        """Whether the span covers every line."""
        return self.span.start == 0 and self.span.end >= len(split_lines(self.text))

    def parts(self) -> tuple[str, str, str]:
        """Return the text before, in and after the span."""
        lines = split_lines(self.text)
        start, end = self.span.start, self.span.end
        return "".join(lines[:start]), "".join(lines[start:end]), "".join(lines[end:])


@dataclass(frozen=True, slots=True)
class Replacement:
    """Lines of the old text and what takes their place."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one document that passed its gate."""

    path: str
    old: str
    new: str

    def diff(self, context_lines: int = 3) -> str:
        """Return a unified diff that `patch` and `git apply` take; "" when nothing changed."""
        old, new = _patch_lines(self.old), _patch_lines(self.new)
        names = (f"a/{self.path}", f"b/{self.path}")
        return "".join(_printable(difflib.unified_diff(old, new, *names, n=context_lines)))

    def replacements(self) -> tuple[Replacement, ...]:
        """Return the smallest line replacements that make `old` into `new`, in order and apart from each other."""
        old, new = split_lines(self.old), split_lines(self.new)
        head = _common(old, new)
        tail = _common(old[head:][::-1], new[head:][::-1])
        old_part, new_part = old[head : len(old) - tail], new[head : len(new) - tail]
        exact = len(old_part) * len(new_part) <= MAX_EXACT_CELLS
        matcher = difflib.SequenceMatcher(None, old_part, new_part, autojunk=not exact)
        return tuple(
            Replacement(Span(head + i1, head + i2), "".join(new_part[j1:j2]))
            for tag, i1, i2, j1, j2 in matcher.get_opcodes()
            if tag != "equal"
        )


def apply(text: str, replacements: Sequence[Replacement]) -> str:
    """Return a text with replacements made; their spans are those of the text given."""
    lines = split_lines(text)
    for replacement in sorted(replacements, key=lambda r: r.span, reverse=True):
        lines[replacement.span.start : replacement.span.end] = [replacement.text]
    return "".join(lines)


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    """Count the lines that two texts share at their start."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _patch_lines(text: str) -> list[str]:
    """Split where patches do: at line feeds alone."""
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + lines[-1:] * bool(lines[-1])


def _printable(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line if line.endswith("\n") else line + NO_NEWLINE
