"""Parsing in this process: what the worker processes do, without starting any."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from kibitz.indexer.workers import Parsed, parse_file


class InProcessParsing:
    """Stands in for `parse_files` and remembers which files it was asked to parse."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def __call__(
        self,
        root: Path,
        paths: Sequence[str],
        *,
        workers: int = 1,
        deadline_s: float = 10.0,
        max_bytes: int | None = None,
        after: Callable[[Parsed], Any] = lambda parsed: parsed,
    ) -> Iterator[Any]:
        del workers, deadline_s
        for path in paths:
            self.paths.append(path)
            yield after(parse_file(root, path, max_bytes=max_bytes))
