"""Is the editor still there? A killed editor may leave our standard input open in another of its children."""

import asyncio
import os
import sys

POLL_S = 2.0


async def wait_for_end(pid: int) -> None:
    """Return when a process has ended."""
    is_parent = sys.platform != "win32" and os.getppid() == pid
    while is_alive(pid) and (not is_parent or os.getppid() == pid):  # noqa: ASYNC110 - its end rings no bell of ours
        await asyncio.sleep(POLL_S)


def is_alive(pid: int) -> bool:
    """Whether a process exists; one that is not ours to ask about does."""
    if sys.platform == "win32":
        return _is_alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _is_alive_on_windows(pid: int) -> bool:
    import ctypes

    synchronize, timeout = 0x00100000, 0x102
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
    handle = kernel.OpenProcess(synchronize, False, pid)
    if not handle:
        return False
    try:
        return bool(kernel.WaitForSingleObject(handle, 0) == timeout)
    finally:
        kernel.CloseHandle(handle)
