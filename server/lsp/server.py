"""The language server: put together here, run over standard streams or TCP."""

import asyncio
import contextlib
import functools
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any, NoReturn, Protocol

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.protocol import default_converter

from kibitz.server import __version__
from kibitz.server.lsp import handlers, methods
from kibitz.server.lsp.app_port import MakeApp
from kibitz.server.lsp.framing import FrameDecoder, FramingError
from kibitz.server.lsp.handlers import notebooks
from kibitz.server.lsp.methods import Token
from kibitz.server.lsp.pauses import few_collections
from kibitz.server.lsp.protocol import KibitzProtocol
from kibitz.server.lsp.rest import Rest, give_memory_back
from kibitz.server.lsp.session import Session
from kibitz.server.lsp.transport import (
    DescriptorWriter,
    StreamWriter,
    claim_standard_streams,
    read_descriptor,
    read_stream,
)
from kibitz.server.lsp.watch import wait_for_end

logger = logging.getLogger(__name__)

_CLOSE_GRACE_S = 0.6  # for handlers and the app to let go


class Writer(Protocol):
    """Where messages go."""

    def write(self, data: bytes) -> None:
        """Queue bytes."""

    def close(self) -> None:
        """Flush and close."""


class KibitzServer(LanguageServer):
    """The library's server with our protocol and one session."""

    protocol: KibitzProtocol

    def __init__(self, make_app: MakeApp) -> None:
        super().__init__(
            "kibitz",
            __version__,
            protocol_cls=KibitzProtocol,
            converter_factory=_converter,
            notebook_document_sync=notebooks.SYNC,
        )
        self._make_app = make_app
        self._session: Session | None = None
        self.started = asyncio.Event()

    @property
    def session(self) -> Session:
        """The session; there is one from `initialize` on."""
        assert self._session is not None
        return self._session

    def start_session(self, params: lsp.InitializeParams, encoding: str) -> None:
        """Begin the session that `initialize` asks for.

        Raises:
            ConfigError: a setting is wrong.
        """
        self._session = Session(self._make_app, params, encoding)
        self.started.set()

    def partial(self, token: Token | None, value: Any) -> None:
        """Stream a piece of a result, if the client gave a token for that."""
        if token is not None:
            self.protocol.notify(lsp.PROGRESS, lsp.ProgressParams(token=token, value=value))

    def tell(self, state: str, message: str) -> None:
        """Send our state (docs/protocol.md lists them) where it has changed; nothing pops up."""
        if self.session.told != (state, message):
            self.session.told = (state, message)
            self.protocol.notify(methods.STATUS, {"state": state, "message": message})
            if state in {"error", "offline"}:
                self.window_log_message(lsp.LogMessageParams(lsp.MessageType.Warning, message))

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log what the library would pop up."""
        logger.error("%s: %s", source.__name__, type(error).__name__)

    async def finish(self) -> None:
        """Cancel what is under way and close the session, within the grace period."""
        tasks = self.protocol.in_flight()
        for task in tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_GRACE_S):
                await asyncio.gather(*tasks, return_exceptions=True)
                if self._session is not None:
                    await self._session.close()


def build_server(make_app: MakeApp) -> KibitzServer:
    """Put a server together, with every handler.

    Args:
        make_app: called at `initialize` with each workspace folder and the initialization options.
    """
    server = KibitzServer(make_app)
    handlers.register(server)
    return server


async def run_session(server: KibitzServer, chunks: AsyncIterator[bytes], writer: Writer, *, watch_parent: bool) -> int:
    """Serve one client until it leaves.

    Returns:
        The exit code that the specification asks for: 0 after shutdown, else 1.
    """
    protocol = server.protocol
    protocol.set_writer(writer)
    reading = asyncio.create_task(_read(protocol, chunks))
    ends = [reading, asyncio.create_task(protocol.exited.wait())]
    if watch_parent:
        ends.append(asyncio.create_task(_leave_with_parent(server)))
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        protocol.leave()
        for task in ends:
            task.cancel()
        for end in await asyncio.gather(*ends, return_exceptions=True):
            if isinstance(end, Exception):
                logger.error("The session ended unexpectedly.", exc_info=end)
        await server.finish()
        writer.close()
    return protocol.exit_code or 0


async def _read(protocol: KibitzProtocol, chunks: AsyncIterator[bytes]) -> None:
    decoder, rest = FrameDecoder(), Rest(give_memory_back)
    try:
        async for data in chunks:
            rest.disturbed()
            for body in decoder.feed(data):
                protocol.receive(body)
                # A handler takes its snapshot when its task starts: let it, before the next message is looked at.
                await asyncio.sleep(0)
                if protocol.exit_code is not None:
                    return
    except FramingError as error:
        logger.error("The connection is closed: %s.", error)
    finally:
        rest.close()


async def _leave_with_parent(server: KibitzServer) -> None:
    """Return when the editor's process is gone; it may keep our input open."""
    await server.started.wait()
    if server.process_id is None:
        await asyncio.Event().wait()  # nobody to watch: only the input's end tells
    else:
        await wait_for_end(server.process_id)


def run_stdio(make_app: MakeApp) -> NoReturn:
    """Serve the client at standard input and output, then end the process with the exit code.

    It ends at once: what had to be closed is closed, and the interpreter would wait for threads that nothing can stop.
    """
    _log_to_stderr()
    few_collections()
    source, sink = claim_standard_streams()

    async def main() -> NoReturn:
        server = build_server(make_app)
        with contextlib.suppress(NotImplementedError):  # Windows ends a process without asking it
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.protocol.leave)
        code = await run_session(server, read_descriptor(source), DescriptorWriter(sink), watch_parent=True)
        logging.shutdown()
        os._exit(code)

    asyncio.run(main())


def run_tcp(make_app: MakeApp, host: str, port: int) -> int:
    """Serve clients at a port, each with a session of its own, until interrupted.

    Returns:
        The exit code.
    """
    _log_to_stderr()
    few_collections()

    async def connection(reader: asyncio.StreamReader, stream: asyncio.StreamWriter) -> None:
        server = build_server(make_app)
        await run_session(server, read_stream(reader), StreamWriter(stream), watch_parent=False)

    async def main() -> None:
        listener = await asyncio.start_server(connection, host, port)
        address = listener.sockets[0].getsockname()
        sys.stderr.write(f"kibitz: listening on {address[0]}:{address[1]}\n")
        sys.stderr.flush()
        async with listener:
            await listener.serve_forever()

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        return 130
    return 0


def _log_to_stderr() -> None:
    """Log warnings of ours to standard error; the library's own logs would hold the user's code."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="kibitz: %(levelname)s: %(message)s")
    logging.getLogger("pygls").setLevel(logging.ERROR)


@functools.cache  # it generates code for each type that it meets
def _converter() -> Any:
    converter = default_converter()  # type: ignore[no-untyped-call]
    methods.register(converter)
    return converter
