"""A piece of context that a prompt may show."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContextItem:
    """Something retrieved or attached. `label` is unique in a prompt; `origin` is `path:lines` or "".

    Lines are 1-based with the end included, 0 where the text comes from no file.
    """

    label: str
    text: str
    origin: str
    path: str = ""
    start_line: int = 0
    end_line: int = 0

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
        if not (self.path and self.start_line):
            return ContextItem(f"{self.label} (beginning)", text, self.origin, self.path)
        end = min(self.end_line, self.start_line + lines - 1)
        place = f"{self.path}:{self.start_line}-{end}"
        return ContextItem(place, text, place, self.path, self.start_line, end)
