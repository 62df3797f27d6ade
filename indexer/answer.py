"""An answer, with what it says of itself: which legs ran, and how near it is to the files as they are now."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kibitz.indexer.types import Hit

if TYPE_CHECKING:
    from kibitz.indexer.grep import Grepped


@dataclass(frozen=True, slots=True)
class Freshness:
    """How near an answer is to the files, as far as that is known without looking at them.

    Attributes:
        indexed_at: when the round began whose index answered, in seconds since 1970; 0.0 when there is no index.
        indexing: whether a round is under way.
        behind: files that are known to have changed since and are answered from as they were; None when nobody
            follows the workspace.
        ahead: files that were answered from as they are now, ahead of the index.
        lacking: chunks that have no vector yet, of which only words are searched.
    """

    indexed_at: float = 0.0
    indexing: bool = False
    behind: int | None = None
    ahead: int = 0
    lacking: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found.

    Attributes:
        hits: best first.
        legs: which ran: "lexical", "vector"; "regex"; "scan".
        freshness: how near the hits are to the files.
        notes: sentences for whoever asked.
        reranked_by: the reranker that ordered the hits, "" for none.
        grepped: what a regular expression has looked at, None for other questions.
    """

    hits: tuple[Hit, ...]
    legs: tuple[str, ...]
    freshness: Freshness = field(default_factory=Freshness)
    notes: tuple[str, ...] = ()
    reranked_by: str = ""
    grepped: "Grepped | None" = None
