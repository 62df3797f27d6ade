"""What holds for every test."""

import signal


def pytest_configure() -> None:
    """A shell's background job ignores SIGINT, and what it starts inherits that: give Ctrl-C back to the tests."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
