"""What an edit is: a target, the text before and after, and the line replacements between them."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kibitz.indexer.types import Span
from kibitz.server.edit.lines import split_lines

NOWHERE = "/dev/null"  # what diffs call the place of a file that is not there
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


def whole_file(path: str, text: str, language: str = "") -> Target:
    """Make all lines of a file the target."""
    return Target(path, text, Span(0, len(split_lines(text))), language)


@dataclass(frozen=True, slots=True)
class Targets:
    """What an instruction may change: `first`, and further files beside it, each once.

    `new_files` lets files be made that are not there yet, `renames` lets those given get another path.
    """

    first: Target
    others: tuple[Target, ...] = ()
    new_files: bool = False
    renames: bool = False

    @property
    def files(self) -> tuple[Target, ...]:
        """All of them, the first one first."""
        return (self.first, *self.others)

    @property
    def several(self) -> bool:
        """Whether an answer has to say which file a change is for."""
        return bool(self.others) or self.new_files or self.renames


@dataclass(frozen=True, slots=True)
class Replacement:
    """Lines of the old text and what takes their place."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one document that passed its gate.

    `is_new` makes the file; one with a `new_path` is called so afterwards, whether its text changes or not.
    """

    path: str
    old: str
    new: str
    is_new: bool = False
    new_path: str = ""

    @property
    def changes(self) -> bool:
        """Whether anything is different afterwards."""
        return self.is_new or bool(self.new_path) or self.old != self.new

    def diff(self, context_lines: int = 3) -> str:
        """Return a unified diff that `patch` and `git apply` take; "" when nothing changed."""
        old, new = _patch_lines(self.old), _patch_lines(self.new)
        after = self.new_path or self.path
        names = (NOWHERE if self.is_new else f"a/{self.path}", f"b/{after}")
        head = ""
        if self.is_new or self.new_path:
            head = f"diff --git a/{self.path} b/{after}\n"
            head += "new file mode 100644\n" if self.is_new else f"rename from {self.path}\nrename to {after}\n"
        return head + "".join(_printable(difflib.unified_diff(old, new, *names, n=context_lines)))

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
