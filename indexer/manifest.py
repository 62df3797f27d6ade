"""What one workspace held when it was last indexed: path to blob, as a Merkle tree, and the segments that hold it.

A blob is the content of a file (sha256 of its bytes) and the grammar that cut it. Chunks and vectors hang on blobs, so
that a rename, a second worktree or a branch switch finds its vectors already made; the manifest decides what a question
may see.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kibitz.indexer.files import whole

FORMAT = 5  # goes up with that of segments, so that an index of before is made again
RACY_NS = 3_600 * 10**9  # longer than a survey takes


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells, without reading it, that a file may have changed."""

    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One indexed file; `chunks` is how many its blob was cut into (0 for an empty file)."""

    blob: str
    stamp: Stamp
    chunks: int


@dataclass(frozen=True, slots=True)
class Passed:
    """One file that was read and left out, with the rule that said so, so that it is not read again."""

    rule: str
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Held:
    """A segment of the hot copy, and the numbers of those of its files that the workspace does not have."""

    segment: str
    dead: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """What a question needs of a manifest: it stands at its beginning and is read alone.

    `digest` identifies the content of all indexed files; `version` counts the rounds that changed something;
    `started_ns` is when the round that wrote it began; `lacking` is how many chunks have no vector yet.
    """

    root: str
    version: int = 0
    started_ns: int = 0
    digest: str = ""
    chunks: int = 0
    lacking: int = 0
    segments: tuple[Held, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """The indexed state of one workspace."""

    head: Head
    files: Mapping[str, Entry]
    passed: Mapping[str, Passed] = field(default_factory=dict)

    def blobs(self) -> set[str]:
        """The blobs that have rows in the table."""
        return {entry.blob for entry in self.files.values() if entry.chunks}

    def is_current(self, known: Stamp, now: Stamp) -> bool:
        """Whether a file cannot have changed since this manifest was written.

        A file that was written in the same instant as the round began may change once more without its times telling
        (git calls such entries racily clean): it is read again. A time that lies far ahead was set on purpose or by
        another clock: no write of ours repeats it.
        """
        return known == now and not 0 <= known.mtime_ns - self.head.started_ns < RACY_NS


def merkle(blobs: Mapping[str, str]) -> dict[str, str]:
    """Digests of all folders from path to blob; the root's stands under "".

    A folder's digest covers the names and digests of what is in it, so that two equal folders have equal digests
    wherever they stand (Merkle, "A digital signature based on a conventional encryption function", 1987).
    """
    inside: dict[str, list[tuple[str, str, str]]] = {"": []}
    for path, blob in blobs.items():
        folder, _, name = path.rpartition("/")
        inside.setdefault(folder, []).append((name, "file", blob))
        while folder:
            folder = folder.rpartition("/")[0]
            inside.setdefault(folder, [])
    digests: dict[str, str] = {}
    # Deepest first: a folder's digest is known before its parent asks for it.
    for folder in sorted(inside, key=lambda f: (f.count("/") + bool(f), f), reverse=True):
        lines = "".join(f"{kind} {digest} {name}\0" for name, kind, digest in sorted(inside[folder]))
        digests[folder] = hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()
        if folder:
            parent, _, name = folder.rpartition("/")
            inside[parent].append((name, "folder", digests[folder]))
    return digests


def digest_of(files: Mapping[str, Entry]) -> str:
    """The digest of a workspace's content."""
    return merkle({path: entry.blob for path, entry in files.items()})[""]


def save(manifest: Manifest, path: Path) -> None:
    """Write a manifest in one step: a reader sees the old one or the new one, whole."""
    head = {"format": FORMAT, **asdict(manifest.head)}
    head["segments"] = [[held.segment, list(held.dead)] for held in manifest.head.segments]
    body = {
        "files": {p: [e.blob, *_numbers(e.stamp), e.chunks] for p, e in sorted(manifest.files.items())},
        "passed": {p: [s.rule, *_numbers(s.stamp)] for p, s in sorted(manifest.passed.items())},
    }
    with whole(path) as file:
        # Names that are not valid UTF-8 arrive as lone surrogates, which JSON keeps as escapes.
        first = json.dumps(head, separators=(",", ":")).encode("ascii")
        file.write(b"%08x %s\n" % (zlib.crc32(first), first))
        file.write(zlib.compress(json.dumps(body, separators=(",", ":")).encode("ascii"), 1))


def load_head(path: Path) -> Head | None:
    """Read the beginning of a manifest; None when there is none, or a damaged one."""
    try:
        with path.open("rb") as file:
            return _head(file.readline())
    except _DAMAGE:
        return None


def load(path: Path) -> Manifest | None:
    """Read a manifest; None when there is none, or a damaged one, which a round then makes anew."""
    try:
        first, _, rest = path.read_bytes().partition(b"\n")
        body: dict[str, Any] = json.loads(zlib.decompress(rest))
        return Manifest(
            head=_head(first),
            files={p: Entry(e[0], Stamp(e[1], e[2], e[3]), e[4]) for p, e in body["files"].items()},
            passed={p: Passed(s[0], Stamp(s[1], s[2], s[3])) for p, s in body["passed"].items()},
        )
    except _DAMAGE:
        return None


_DAMAGE = (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, zlib.error)


def _head(line: bytes) -> Head:
    """The head from a manifest's first line, which begins with the CRC of the rest; the body has one in its format."""
    crc, _, text = line.rstrip(b"\n").partition(b" ")
    if int(crc, 16) != zlib.crc32(text):
        raise ValueError("not what was written")
    data: dict[str, Any] = json.loads(text)
    if data["format"] != FORMAT:
        raise ValueError("another format")
    return Head(
        root=str(data["root"]),
        version=int(data["version"]),
        started_ns=int(data["started_ns"]),
        digest=str(data["digest"]),
        chunks=int(data["chunks"]),
        lacking=int(data["lacking"]),
        segments=tuple(Held(str(name), tuple(map(int, dead))) for name, dead in data["segments"]),
    )


def _numbers(stamp: Stamp) -> tuple[int, int, int]:
    return stamp.size, stamp.mtime_ns, stamp.inode
