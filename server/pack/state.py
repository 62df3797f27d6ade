"""What the last pack of a workspace held: which contents in which form and order, not their texts.

The names of files and the heads of definitions that stand in front are kept as they were, since an edit must not change
them. The rest is told by the ids of contents, so that the next pack can begin as this one did.
"""

import contextlib
import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

from kibitz.indexer.files import whole

FORMAT = 2  # goes up with the form of the prompt, of whose parts the tokens are kept
FOLDER = "packs"
_DAMAGED = (OSError, ValueError, KeyError, TypeError, zlib.error)
_MOST_KEPT = 200  # of all workspaces and questions; those of longest ago go


@dataclass(frozen=True, slots=True)
class Segment:
    """A file in a pack.

    Attributes:
        path: where it stands in the workspace.
        form: "text", or "outline" where it is cut.
        content: git's id of its bytes.
        tokens: what it takes in the prompt.
        kept: the lines that are shown whole of one that is cut, as (start, end), 0-based, end not included.
        changed: whether it stands behind those that had not changed.
        newer: whether an older text of it stands above.
    """

    path: str
    form: str
    content: str
    tokens: int
    kept: tuple[tuple[int, int], ...] = ()
    changed: bool = False
    newer: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """A pack: what it was made for, the text before the files, the files in order.

    `seen` are the ids of all contents that there were; `gone` the paths that it said were no longer there.
    """

    budget: int
    tokenizer: str
    front: str
    segments: tuple[Segment, ...]
    seen: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()


def place(cache_dir: Path, root: Path, question: str) -> Path:
    """Where the state of a workspace's packs for one question is kept."""
    key = hashlib.sha256(os.fsencode(root) + b"\0" + question.encode("utf-8", "surrogatepass")).hexdigest()
    return cache_dir / FOLDER / key[:32]


def root_of(path: Path) -> Path | None:
    """The workspace of a state; None when it cannot be used."""
    try:
        return Path(_read(path)["root"])
    except _DAMAGED:
        return None


def load(path: Path) -> State | None:
    """Read a state; None when there is none that can be used."""
    try:
        value = _read(path)
        segments = tuple(map(_segment, value["segments"]))
        made_for = (int(value["budget"]), str(value["tokenizer"]), str(value["front"]))
        return State(*made_for, segments, dict(value["seen"]), tuple(value["gone"]))
    except _DAMAGED:
        return None


def _read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(zlib.decompress(path.read_bytes()))
    if value["format"] != FORMAT:
        raise ValueError("another format")
    return value


def _segment(row: list[Any]) -> Segment:
    path, form, content, tokens, kept, changed, newer = row
    return Segment(path, form, content, tokens, tuple((start, end) for start, end in kept), changed, newer)


def save(state: State, path: Path, root: Path) -> None:
    """Write a state in one step, and drop the oldest ones where there are many.

    Raises:
        OSError: it cannot be written.
    """
    value = {
        "format": FORMAT,
        "root": str(root),
        "budget": state.budget,
        "tokenizer": state.tokenizer,
        "front": state.front,
        "segments": [astuple(one) for one in state.segments],
        "seen": dict(state.seen),
        "gone": state.gone,
    }
    with whole(path) as file:
        file.write(zlib.compress(json.dumps(value, separators=(",", ":")).encode("ascii"), 1))
    with contextlib.suppress(OSError):  # another process may drop them too
        kept = sorted(path.parent.iterdir(), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in kept[_MOST_KEPT:]:
            old.unlink()
