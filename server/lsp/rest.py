"""Memory goes back to the system once nothing has been asked for a while: the C library alone would keep it."""

import asyncio
import sys
from collections.abc import Callable

REST_S = 5.0


class Rest:
    """Calls `give_back` once after each stretch of work, in a thread; at rest it does nothing at all."""

    def __init__(self, give_back: Callable[[], None], *, after_s: float = REST_S) -> None:
        self._give_back = give_back
        self._after_s = after_s
        self._timer: asyncio.TimerHandle | None = None

    def disturbed(self) -> None:
        """Something has come in."""
        self.close()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._after_s, loop.run_in_executor, None, self._give_back)

    def close(self) -> None:
        """Stop waiting."""
        if self._timer is not None:
            self._timer.cancel()


def give_memory_back() -> None:
    """Hand the free pages of the heap back, where the C library is one that has to be told (glibc)."""
    if sys.platform != "linux":
        return
    import ctypes

    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
