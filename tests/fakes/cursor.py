"""A cursor drawn in source text: "foo(║)"."""

from kibitz.server.completion.snapshot import Snapshot

CURSOR = "║"


def at_cursor(drawn: str, language: str = "python", path: str = "a.py") -> Snapshot:
    """Make a snapshot of a document with the cursor drawn into it."""
    prefix, suffix = drawn.split(CURSOR)
    return Snapshot(path=path, version=1, prefix=prefix, suffix=suffix, language=language)
