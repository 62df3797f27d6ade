"""An immutable document at a version, with the cursor."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a completion sees: taken before the first await, never changed.

    `path` is relative to the workspace with "/" (or the URI's last part outside it); `prefix + suffix` is the whole
    document. `indent` is the editor's unit of indentation where it tells, else None.
    """

    path: str
    version: int
    prefix: str
    suffix: str
    language: str = ""
    indent: str | None = None
