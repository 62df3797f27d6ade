"""Where the bytes come from and go to: standard streams and sockets, each as one source and one sink."""

import asyncio
import os
import queue
import sys
import threading
from collections.abc import AsyncIterator

READ_BYTES = 64 * 1024
_CHUNKS_AHEAD = 16


async def read_descriptor(descriptor: int) -> AsyncIterator[bytes]:
    """Yield the bytes of a file descriptor until its end, read by a thread of its own.

    The thread is its own so that no amount of other work can make the server deaf, and a daemon because a read
    cannot be called off.
    """
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue()
    room = threading.Semaphore(_CHUNKS_AHEAD)

    def pump() -> None:
        while True:
            room.acquire()
            try:
                data = os.read(descriptor, READ_BYTES)
            except OSError:
                data = b""
            try:
                loop.call_soon_threadsafe(chunks.put_nowait, data)
            except RuntimeError:  # the loop is closed: nobody listens any more
                return
            if not data:
                return

    threading.Thread(target=pump, name="kibitz-stdin", daemon=True).start()
    while data := await chunks.get():
        room.release()
        yield data


async def read_stream(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield the bytes of a socket until its end."""
    while True:
        try:
            data = await reader.read(READ_BYTES)
        except ConnectionError:
            return
        if not data:
            return
        yield data


class DescriptorWriter:
    """Writes to a file descriptor from a thread, so that a client that does not read cannot stop the loop."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._drain, name="kibitz-stdout", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Queue bytes."""
        self._queue.put(data)

    def close(self) -> None:
        """Write what is queued, for a second at most."""
        self._queue.put(None)
        self._thread.join(timeout=1.0)

    def _drain(self) -> None:
        broken = False
        while (data := self._queue.get()) is not None:
            view = memoryview(data)
            while view and not broken:
                try:
                    view = view[os.write(self._descriptor, view) :]
                except OSError:
                    broken = True  # the client is gone; reading will say so too


class StreamWriter:
    """Writes to a socket."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def write(self, data: bytes) -> None:
        """Queue bytes."""
        if not self._writer.is_closing():
            self._writer.write(data)

    def close(self) -> None:
        """Close the connection once what is queued is written."""
        self._writer.close()


def claim_standard_streams() -> tuple[int, int]:
    """Take standard input and output for the protocol alone.

    From here on descriptor 0 is empty and descriptor 1 is standard error, so that neither a library that prints nor a
    child process can break the stream.

    Returns:
        Descriptors to read from and to write to.
    """
    sys.stdout.flush()
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if os.name == "nt":
        import msvcrt

        for descriptor in (source, sink):
            msvcrt.setmode(descriptor, os.O_BINARY)  # type: ignore[attr-defined, unused-ignore]
    return source, sink
