"""The values that leave the indexer."""

from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Lines of a file, 0-based, end not included."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a span: {self.start}..{self.end}")


class Reference(NamedTuple):
    """Something that a chunk speaks of and that is defined elsewhere, as far as its syntax tells.

    `kind` is "call", "import", "inherit", "type" or "use" (anything else). `name` is the last part of a dotted name,
    but what an import names as the source says it: a module ("os.path"), a file ("./util"), or a name in one of them.
    """

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """An indexable piece of one file.

    `path` is relative to the workspace, with "/" on every platform. `kind` is "function", "method", "class",
    "type", "module" (code between definitions), "section" (prose under a heading) or "text" (no grammar).
    `symbol` is the dotted name of the innermost definition that holds the whole chunk ("Session.close"), ""
    outside any; `defines` are the names of all definitions that begin inside the chunk;
    `references` are the first ones in it, each once.
    """

    path: str
    span: Span
    text: str
    kind: str = "text"
    language: str = ""
    symbol: str = ""
    defines: tuple[str, ...] = field(default=())
    references: tuple[Reference, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that answers a question: a higher score is better, always.

    `legs` names what found it ("lexical", "vector"); `stale` says that the file has changed since it was indexed,
    so that its lines may have moved.
    """

    chunk: Chunk
    score: float
    legs: tuple[str, ...]
    stale: bool = False
