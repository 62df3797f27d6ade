"""Parsing in this process: what the worker processes do, without starting any."""

from collections.abc import Generator, Iterable

from kibitz.indexer.cut import Cut, Cutter, Task, parse_text
from kibitz.indexer.reparse import Reparser
from kibitz.indexer.workers import Job, ParsePool


class InProcessPool(ParsePool):
    """Cuts each file alone, in order, and remembers which files it was asked to cut."""

    def __init__(self) -> None:
        super().__init__(1, lean=True)
        self.paths: list[str] = []

    def cut(self, job: Job, tasks: Iterable[Task]) -> Generator[Cut]:
        cutter, reparser = Cutter(job.embedder), Reparser()
        for task in tasks:
            self.paths.append(task.path)
            if task.text is None:
                parsed = job.parse(job.root, task.path, job.max_bytes)
            else:
                parsed = parse_text(task.path, task.text, reparser)
            yield cutter.cut([parsed], task.known)
