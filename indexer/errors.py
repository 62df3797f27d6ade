"""The errors of the indexer, each one sentence that can be shown to the user as it is.

* IndexerError         the base
  + WorkspaceError     the folder cannot be read, or there is nothing in it to index
  + IndexBusyError     another process is writing this index
  + NotIndexedError    a question was asked before the first index round
  + DiskFullError      the index could not be written
  + EmbedderBusyError  the embedder cannot answer now, but will later
  + FilterError        a search is to show what there is not
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kibitz.indexer.embed import Vectors


class IndexerError(Exception):
    """Shown to the user as it is."""


class WorkspaceError(IndexerError):
    """The folder cannot be read, or there is nothing in it to index."""


class IndexBusyError(IndexerError):
    """Another process is writing this index."""


class NotIndexedError(IndexerError):
    """A question was asked before the first index round."""


class FilterError(IndexerError):
    """A search is to show what there is not: an unknown language or kind, or a glob that is none."""


class DiskFullError(IndexerError):
    """The index could not be written."""

    def __init__(self) -> None:
        super().__init__("The disk is full: the index could not be written.")


class EmbedderBusyError(IndexerError):
    """The embedder cannot answer now, but will later: a rate limit, a server that starts, a network that is away.

    `retry_after_s` is how long to wait, in seconds, before it is asked again. `vectors` are those that it made before
    that, of the first texts of the call, (m, dim) with m below n; None when there are none.
    """

    def __init__(self, sentence: str, retry_after_s: float, vectors: "Vectors | None" = None) -> None:
        super().__init__(sentence)
        self.retry_after_s = retry_after_s
        self.vectors = vectors
