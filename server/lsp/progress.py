"""Work-done progress: the bar that an editor shows while something long runs."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from kibitz.server.lsp.failures import RequestError
from kibitz.server.lsp.methods import Token

if TYPE_CHECKING:
    from kibitz.server.lsp.server import KibitzServer

_CREATE_TIMEOUT_S = 5.0


class WorkDone:
    """The progress of one piece of work. Without a token it reports nothing."""

    def __init__(self, server: "KibitzServer", token: Token | None) -> None:
        self._server = server
        self._token = token
        self._last: tuple[str, int | None] = ("", None)

    def begin(self, title: str) -> None:
        """Show the bar."""
        self._send(lsp.WorkDoneProgressBegin(title=title, cancellable=True, percentage=0))

    def report(self, message: str, percentage: int | None = None) -> None:
        """Move the bar; nothing is sent when nothing would look different."""
        if (message, percentage) != self._last:
            self._last = (message, percentage)
            self._send(lsp.WorkDoneProgressReport(message=message, percentage=percentage, cancellable=True))

    def end(self, message: str | None = None) -> None:
        """Take the bar away."""
        self._send(lsp.WorkDoneProgressEnd(message=message))

    def _send(self, value: Any) -> None:
        if self._token is not None:
            self._server.progress(lsp.ProgressParams(token=self._token, value=value))


class Cancellations:
    """Which task belongs to which progress token, for `window/workDoneProgress/cancel`."""

    def __init__(self) -> None:
        self._tasks: dict[Token, asyncio.Task[Any]] = {}

    @contextlib.contextmanager
    def listening(self, token: Token | None) -> Iterator[None]:
        """Let the token cancel the running task."""
        task = asyncio.current_task()
        if token is None or task is None:
            yield
            return
        self._tasks[token] = task
        try:
            yield
        finally:
            self._tasks.pop(token, None)

    def cancel(self, token: Token) -> None:
        """Cancel the token's task; an unknown token is one whose work has ended."""
        # The converter lets anything pass for a token.
        if isinstance(token, int | str) and (task := self._tasks.get(token)) is not None:
            task.cancel()


@contextlib.asynccontextmanager
async def work_done(
    server: "KibitzServer", title: str, token: Token | None, *, create: bool = False
) -> AsyncIterator[WorkDone]:
    """Show progress while the block runs, and let the user cancel it.

    Args:
        server: where to report.
        title: what the editor shows.
        token: the client's token, or None.
        create: without a client's token, ask the client for a bar of our own.
    """
    if token is None and create and server.session.client.work_done_progress:
        token = await _create_token(server)
    work = WorkDone(server, token)
    with server.session.cancellations.listening(token):
        work.begin(title)
        message = None
        try:
            yield work
        except asyncio.CancelledError:
            message = "Cancelled"
            raise
        finally:
            work.end(message)


async def _create_token(server: "KibitzServer") -> Token | None:
    """Ask the client for a bar; None when it does not want one."""
    token = str(uuid.uuid4())
    request = server.window_work_done_progress_create_async(lsp.WorkDoneProgressCreateParams(token=token))
    try:
        await asyncio.wait_for(request, _CREATE_TIMEOUT_S)
    except (RequestError, TimeoutError):
        return None
    return token
