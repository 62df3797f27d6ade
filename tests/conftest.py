"""What holds for every test."""

import os
import signal
from pathlib import Path


def pytest_configure() -> None:
    """A shell's background job ignores SIGINT, and what it starts inherits that: give Ctrl-C back to the tests."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Where no test says otherwise nothing of the user's is read, and nothing is kept: what one test counts, the next
    # one would find. No folder can be made below a file.
    for kind in ("DATA", "CACHE", "CONFIG"):
        os.environ[f"XDG_{kind}_HOME"] = str(Path(os.devnull) / kind.lower())
