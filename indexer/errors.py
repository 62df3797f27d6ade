"""The errors of the indexer, each one sentence that can be shown to the user as it is.

* IndexerError         the base
  + WorkspaceError     the folder cannot be read, or there is nothing in it to index
  + IndexBusyError     another process is writing this index
  + NotIndexedError    a question was asked before the first index round
  + DiskFullError      the index could not be written
"""


class IndexerError(Exception):
    """Shown to the user as it is."""


class WorkspaceError(IndexerError):
    """The folder cannot be read, or there is nothing in it to index."""


class IndexBusyError(IndexerError):
    """Another process is writing this index."""


class NotIndexedError(IndexerError):
    """A question was asked before the first index round."""


class DiskFullError(IndexerError):
    """The index could not be written."""

    def __init__(self) -> None:
        super().__init__("The disk is full: the index could not be written.")
