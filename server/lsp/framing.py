"""Bytes to message bodies and back: the header part of the protocol, without any I/O.

More forgiving than the library's reader where that is safe (header names in any case, no space after the colon,
bare line feeds, other headers), and strict where it is not: a header part that names no length, or a length beyond
the cap, means that the next message's start is unknown, so the connection ends instead of staying deaf.
"""

from collections.abc import Iterator

MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_HEADER_BYTES = 8 * 1024


class FramingError(Exception):
    """It is not known where the next message starts; the connection cannot go on."""


def encode_frame(body: bytes) -> bytes:
    """Put the header before a body."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class FrameDecoder:
    """Cuts a stream of bytes into bodies, in whatever pieces it arrives."""

    def __init__(self, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._max_body_bytes = max_body_bytes
        self._buffer = bytearray()
        self._scanned = 0  # the buffer up to here holds no complete header line that was not looked at
        self._length: int | None = None
        self._missing = 0  # the length of the body under way; 0 while in a header part

    @property
    def mid_message(self) -> bool:
        """Whether the bytes so far end inside a message."""
        return bool(self._missing or self._length is not None or self._buffer)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take in bytes and yield the bodies that are complete now.

        Raises:
            FramingError: the framing is lost; the bodies before it were yielded.
        """
        self._buffer += data
        while True:
            if self._missing:
                if len(self._buffer) < self._missing:
                    return
                body = bytes(self._buffer[: self._missing])
                del self._buffer[: self._missing]
                self._missing = self._scanned = 0
                yield body
            elif not self._read_header_line():
                return

    def _read_header_line(self) -> bool:
        """Take one header line off the buffer; False when there is none yet."""
        end = self._buffer.find(b"\n", self._scanned)
        if end < 0:
            self._scanned = len(self._buffer)
            if self._scanned > MAX_HEADER_BYTES:
                raise FramingError("a header line without an end")
            return False
        line = bytes(self._buffer[:end]).rstrip(b"\r").strip()
        del self._buffer[: end + 1]
        self._scanned = 0
        if line:
            self._take_header(line)
        elif self._length is not None:
            self._missing, self._length = self._length, None
        # An empty line before any header is left over from a sloppy sender: harmless.
        return True

    def _take_header(self, line: bytes) -> None:
        name, colon, value = line.partition(b":")
        if not colon:
            raise FramingError("a line in the header part that is no header")
        if name.strip().lower() != b"content-length":
            return
        if not value.strip().isdigit():
            raise FramingError("a Content-Length that is no number")
        length = int(value)
        if length == 0:
            raise FramingError("a message without a body")
        if length > self._max_body_bytes:
            raise FramingError(f"a message of {length} bytes, more than {self._max_body_bytes}")
        self._length = length
