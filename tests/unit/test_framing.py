import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.server.lsp.framing import FrameDecoder, FramingError, encode_frame

bodies = st.lists(st.binary(min_size=1, max_size=60), max_size=8)


@given(bodies=bodies, cuts=st.lists(st.integers(1, 20), max_size=60))
def test_bodies_come_out_whole_however_the_bytes_arrive(bodies: list[bytes], cuts: list[int]) -> None:
    stream, decoder = b"".join(map(encode_frame, bodies)), FrameDecoder()
    got: list[bytes] = []
    for cut in cuts:
        got += decoder.feed(stream[:cut])
        stream = stream[cut:]
    got += decoder.feed(stream)
    assert got == bodies
    assert not decoder.mid_message


@pytest.mark.parametrize(
    "header",
    [
        b"content-length: 2\r\n\r\n",
        b"Content-Length:2\r\n\r\n",
        b"CONTENT-LENGTH :  2 \r\n\r\n",
        b"Content-Length: 2\n\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\n",
        b"Content-Length: 2\r\nContent-Type: application/vscode-jsonrpc\r\n\r\n",
        b"\r\n\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_a_sloppy_header_is_understood(header: bytes) -> None:
    assert list(FrameDecoder().feed(header + b"{}" + encode_frame(b"next"))) == [b"{}", b"next"]


@pytest.mark.parametrize(
    "stream",
    [
        b"hello there\r\n",
        b"Content-Length: abc\r\n\r\n{}",
        b"Content-Length: -4\r\n\r\n{}",
        b"Content-Length: 0\r\n\r\n",
        b"Content-Length: 99000000000\r\n\r\n",
        b"x" * 10_000,
    ],
)
def test_lost_framing_is_an_error_and_not_silence(stream: bytes) -> None:
    with pytest.raises(FramingError):
        list(FrameDecoder().feed(stream))


def test_a_header_part_without_a_length_is_skipped() -> None:
    assert list(FrameDecoder().feed(b"Content-Type: x\r\n\r\n" + encode_frame(b"{}"))) == [b"{}"]


def test_messages_before_the_lost_framing_are_delivered() -> None:
    bodies = FrameDecoder().feed(encode_frame(b"{}") + b"garbage\r\n")
    assert next(bodies) == b"{}"
    with pytest.raises(FramingError):
        next(bodies)


def test_a_stream_that_ends_inside_a_body_is_seen() -> None:
    decoder = FrameDecoder()
    list(decoder.feed(b"Content-Length: 20\r\n\r\n{"))
    assert decoder.mid_message
