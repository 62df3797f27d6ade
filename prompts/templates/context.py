"""What a prompt may show besides the lines at hand: one small value for each kind of context."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["excerpt", "file", "symbol", "selection", "diff", "diagnostics", "rules"]
"""What an item is. The text of an excerpt, file, symbol or selection are lines of the file as they stand."""

_NOT_LINES = ("diff", "diagnostics", "rules")
_SHORT_LINES, _SHORT_CHARACTERS = 12, 800


@dataclass(frozen=True, slots=True)
class ContextItem:
    """Something retrieved or attached. `label` is unique in a prompt.

    `origin` is `path:lines` where the text are these lines of the file, and can be cited; else the path or "".

    Lines are 1-based with the end included, 0 where the text comes from no file.
    """

    label: str
    text: str
    origin: str
    path: str = ""
    start_line: int = 0
    end_line: int = 0
    kind: Kind = "excerpt"

    def __post_init__(self) -> None:
        if self.start_line < 0 or self.end_line < self.start_line:
            raise ValueError(f"not lines of a file: {self.start_line}-{self.end_line}")

    @property
    def place(self) -> str:
        """`path:start-end` where the text comes from a file, else the label."""
        return f"{self.path}:{self.start_line}-{self.end_line}" if self.path and self.start_line else self.label

    def head(self, lines: int) -> "ContextItem | None":
        """Return the item cut to its first lines; None when it has no more than that."""
        parts = self.text.split("\n", lines)
        if len(parts) <= lines or not parts[-1].strip():
            return None
        text = "\n".join(parts[:lines]) + "\n"
        if self.kind in _NOT_LINES or not (self.path and self.start_line):
            return replace(self, label=f"{self.label} (beginning)", text=text)
        end = min(self.end_line, self.start_line + lines - 1)
        place = f"{self.path}:{self.start_line}-{end}"
        return replace(self, label=place, text=text, origin=place, end_line=end)


@dataclass(frozen=True, slots=True)
class Definition:
    """A symbol that the code at hand imports or uses: all of its text, and its `signature` (its first lines)."""

    item: ContextItem
    signature: str = ""


@dataclass(frozen=True, slots=True)
class RecentEdit:
    """A change that the user made a while ago, as the lines of a unified diff; the lines are those it has now."""

    path: str
    start_line: int
    end_line: int
    text: str

    @property
    def item(self) -> ContextItem:
        """The change as context. Its origin names no lines: its text is not what stands in the file."""
        label = f"change of {self.path}:{self.start_line}-{self.end_line}"
        return ContextItem(label, self.text, self.path, self.path, self.start_line, self.end_line, kind="diff")


@dataclass(frozen=True, slots=True)
class Rules:
    """What a workspace says of how its code is written (AGENTS.md). It is the workspace's, so it is data."""

    path: str
    text: str

    def narrowed(self, lines: int, width: int) -> ContextItem:
        """Return the first lines that are not blank, each cut to a width."""
        full = [line[:width] for line in self.text.split("\n") if line.strip()]
        text = "".join(f"{line}\n" for line in full[:lines])
        return ContextItem(self.path, text, self.path, self.path, kind="rules")

    @property
    def item(self) -> ContextItem:
        """All of it."""
        return ContextItem(self.path, self.text, self.path, self.path, kind="rules")


@dataclass(frozen=True, slots=True)
class Turn:
    """One side's words in a conversation; `role` is "user" or "assistant", `summary` a shorter version or ""."""

    role: str
    text: str
    summary: str = ""

    @property
    def short(self) -> str:
        """The summary, else the beginning of a long text, else the text."""
        if self.summary:
            return self.summary
        kept = "\n".join(self.text.split("\n", _SHORT_LINES)[:_SHORT_LINES])[:_SHORT_CHARACTERS]
        return self.text if len(kept) >= len(self.text.rstrip()) else f"{kept.rstrip()} …"


@dataclass(frozen=True, slots=True)
class Context:
    """What is known from elsewhere where code is completed or edited.

    `items` were retrieved, best first; `definitions` come with what matters most first; `edits` with the newest last.
    """

    items: Sequence[ContextItem] = ()
    definitions: Sequence[Definition] = ()
    edits: Sequence[RecentEdit] = ()
    rules: Sequence[Rules] = ()

    def __bool__(self) -> bool:
        return bool(self.items or self.definitions or self.edits or self.rules)


NOTHING = Context()


def in_order_shown(shown: Iterable[ContextItem], items: Iterable[ContextItem]) -> tuple[ContextItem, ...]:
    """Return what was shown before in its order, as it is now, then what is new.

    A prompt that keeps this order begins like the one before it, so a server's prefix cache goes on holding.
    """
    now = {item.label: item for item in items}
    order = {item.label: now.get(item.label, item) for item in shown}
    return tuple((order | now).values())
