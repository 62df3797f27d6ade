"""The interpreter set for a process that a person waits for at every key."""

import functools
import gc

THRESHOLDS = (10_000, 20, 20)
"""The layouts of prompts are tens of thousands of objects that live long; by default each key would have them looked
through."""


def few_collections() -> None:
    """Collect garbage more rarely than a program of many small objects needs it."""
    gc.set_threshold(*THRESHOLDS)


@functools.cache  # once: what is garbage at that moment stays for ever
def settled() -> None:
    """Leave what has been imported and opened by now out of all collections: it stays, and takes a tenth of a second.

    Later calls do nothing.
    """
    gc.freeze()
