"""The files of a workspace as they are now: the ids of their contents, and their texts where they may be shown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from kibitz.indexer.files import read_inside
from kibitz.indexer.git import content_id, contents
from kibitz.indexer.read import content_rule, decode

_STEP = 256  # files between two reports


class Files:
    """Files that were read once; the first of them are at hand, the others are read again."""

    def __init__(self, root: Path, ids: Mapping[str, str], data: dict[str, bytes], max_bytes: int) -> None:
        self.ids = ids
        self.left_out: dict[str, str] = {}
        self._root = root
        self._data = data
        self._max_bytes = max_bytes
        self._texts: dict[str, str | None] = {}

    @classmethod
    def read(
        cls,
        root: Path,
        paths: Sequence[str],
        committed: Mapping[str, str],
        *,
        keep_bytes: int,
        max_bytes: int,
        report: Callable[[int, int], None],
    ) -> "Files":
        """Read files, those first of which the texts are likeliest to be wanted.

        Args:
            root: the workspace.
            paths: relative to it; what cannot be read by now is left out.
            committed: git's ids of contents by path: a file whose lines end otherwise has the same content.
            keep_bytes: how much stays at hand.
            max_bytes: of the largest file.
            report: is told how many of how many are read.
        """
        ids: dict[str, str] = {}
        data: dict[str, bytes] = {}
        for number, path in enumerate(paths):
            if number % _STEP == 0:
                report(number, len(paths))
            try:
                read = read_inside(root, path, max_bytes)
            except OSError:
                continue
            ids[path] = _id(read, committed.get(path))
            keep_bytes -= len(read)
            if keep_bytes >= 0:
                data[path] = read
        return cls(root, ids, data, max_bytes)

    def text(self, path: str) -> str | None:
        """The text of a file; None when it has none, is empty, or holds what must not be shown."""
        if path not in self._texts:
            self._texts[path] = self._text(path)
        return self._texts[path]

    def older(self, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """The texts that some paths had, (path, id of the content): those that git has and that may be shown."""
        wanted = list(wanted)
        kept = contents(self._root, dict.fromkeys(one for _, one in wanted))
        found = {(path, one): _shown(path, kept[one])[0] for path, one in wanted if one in kept}
        return {key: text for key, text in found.items() if text}

    def _text(self, path: str) -> str | None:
        data = self._data.pop(path, None)
        if data is None:
            try:
                data = read_inside(self._root, path, self._max_bytes)
            except OSError:
                return None
        text, rule = _shown(path, data)
        if rule:
            self.left_out[path] = rule
        return text


def _shown(path: str, data: bytes) -> tuple[str | None, str]:
    """The text of a file, or the rule that keeps it out; neither for an empty one."""
    decoded = decode(data)
    if decoded is None:
        return None, "binary"
    rule = content_rule(path, decoded[0])
    return (None if rule else decoded[0] or None), rule


def _id(data: bytes, known: str | None) -> str:
    found = content_id(data)
    if found == known or known is None or b"\r\n" not in data:
        return found
    plain = content_id(data.replace(b"\r\n", b"\n"))
    return plain if plain == known else found
