"""An immutable document at a version, with the cursor."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a completion sees: taken before the first await, never changed.

    `path` is relative to the workspace with "/" (or the URI's last part outside it); `prefix + suffix` is the whole
    document.
    """

    path: str
    version: int
    prefix: str
    suffix: str
    language: str = ""

    def with_line_feeds(self) -> "Snapshot":
        """Return it with every line ended by a line feed alone, as models write them."""
        if "\r" not in self.prefix and "\r" not in self.suffix:
            return self
        prefix, suffix = (text.replace("\r\n", "\n").replace("\r", "\n") for text in (self.prefix, self.suffix))
        return replace(self, prefix=prefix, suffix=suffix)
