"""The protocol class: the library's, made strict where a client would otherwise wait for ever or learn too much.

What differs from the library, each for a failure that was seen: every request is answered (invalid params with -32602,
before initialize with -32002, after shutdown with -32600); JSON is parsed without looking for messages inside
messages; the params of custom methods keep their keys; documents are kept by our own store only; an error's answer is
a sentence without a traceback; nothing pops up; `exit` reports the code that the specification asks for; neither
messages nor params are ever logged; a cancelled request is answered at once, before its work has let go; the client's
ids and ours do not meet.
"""

import asyncio
import contextvars
import enum
import json
import logging
import re
from collections.abc import Generator
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any

import cattrs
from lsprotocol import types as lsp
from pygls.protocol import LanguageServerProtocol, lsp_method

from kibitz.server.errors import USER_ERRORS
from kibitz.server.lsp import failures
from kibitz.server.lsp.documents import DocumentError, well_formed
from kibitz.server.lsp.failures import RequestError
from kibitz.server.lsp.framing import encode_frame
from kibitz.server.lsp.methods import CUSTOM_PARAMS

if TYPE_CHECKING:
    from kibitz.server.lsp.server import KibitzServer

logger = logging.getLogger(__name__)
Message = dict[str, Any]


class KibitzProtocol(LanguageServerProtocol):
    """JSON-RPC as the Language Server Protocol wants it."""

    _server: "KibitzServer"

    def __init__(self, server: "KibitzServer", converter: cattrs.Converter) -> None:
        super().__init__(server, converter)
        for method in _KEPT_BY_US:
            self.fm.builtin_features.pop(method, None)
        self.initialized = False
        self.exit_code: int | None = None
        self.exited = asyncio.Event()
        self._working: dict[Any, asyncio.Task[Any]] = {}  # by a request's id
        self._called_off: set[Any] = set()  # answered already, but still letting go

    # -- in ----------------------------------------------------------------------------------------------------

    def receive(self, body: bytes) -> None:
        """Take one message. Never raises for what a client may send."""
        try:
            message = _parsed(body)
        except (ValueError, RecursionError):
            self._refuse(None, RequestError(failures.PARSE_ERROR, "The message is not valid JSON."))
            return
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            self._refuse(None, RequestError(failures.INVALID_REQUEST, "The message is not a JSON-RPC 2.0 object."))
            return
        msg_id, method = message.get("id"), message.get("method")
        if isinstance(method, str):
            # Each handler runs in a context of its own.
            handle = self._take_notification if msg_id is None else self._take_request
            contextvars.copy_context().run(handle, message)
        elif method is None and _is_id(msg_id):
            self._take_response(message)
        else:
            self._refuse(msg_id, RequestError(failures.INVALID_REQUEST, "The message names no method."))

    def _take_request(self, message: Message) -> None:
        msg_id, method = message["id"], message["method"]
        if not _is_id(msg_id):
            self._refuse(None, RequestError(failures.INVALID_REQUEST, "A request's id is a whole number or a string."))
            return
        try:
            self._check_phase(method)
            if msg_id in self._working:
                raise RequestError(failures.INVALID_REQUEST, "A request with this id is under way.")
            handler = self.fm.builtin_features.get(method) or self.fm.features.get(method)
            if handler is None:
                raise RequestError(failures.METHOD_NOT_FOUND, f"Unknown method: {method}.")
            params = self._structure_params(method, message.get("params"))
        except RequestError as error:
            self._refuse(msg_id, error)
            return
        self._ctx_msg_id.set(msg_id)
        self._execute_handler(
            msg_id, handler, callback=partial(self._send_handler_result, msg_id=msg_id), args=(params,)
        )

    def _take_notification(self, message: Message) -> None:
        method = message["method"]
        if method != lsp.EXIT and (self._shutdown or not self.initialized):
            return
        handler = self.fm.builtin_features.get(method) or self.fm.features.get(method)
        try:
            params = self._structure_params(method, message.get("params"))
        except RequestError as error:
            logger.warning("A notification was dropped: %s", error.message)
            return
        if method == lsp.CANCEL_REQUEST:
            if _is_id(params.id):
                self._call_off(params.id)
        elif handler is not None:
            key: Any = object()  # no client can name it
            self._execute_handler(key, handler, callback=self._check_handler_result, args=(params,))
        elif not method.startswith("$/"):
            logger.info("A notification of an unknown method was ignored: %s", method)

    def _take_response(self, message: Message) -> None:
        """Resolve a request of ours; an answer that does not fit its type is an error for whoever waits."""
        future = self._request_futures.pop(message["id"], None)
        result_type = self._result_types.pop(message["id"], None)
        if future is None or future.done():
            return  # nothing of ours, or nobody waits any more
        if (error := message.get("error")) is not None:
            said = error.get("message") if isinstance(error, dict) else None
            future.set_exception(RequestError(failures.REQUEST_FAILED, str(said or "The editor refused.")))
            return
        try:
            typed = {"jsonrpc": "2.0", "id": message["id"], "result": message.get("result")}
            result = self._converter.structure(typed, result_type).result if result_type else message.get("result")
        except Exception:  # as in `_structure_params`
            future.set_exception(RequestError(failures.REQUEST_FAILED, "The editor's answer was not understood."))
            return
        future.set_result(result)

    def _check_phase(self, method: str) -> None:
        if self._shutdown:
            raise RequestError(failures.INVALID_REQUEST, "The server is shutting down.")
        if method == lsp.INITIALIZE:
            if self.initialized:
                raise RequestError(failures.INVALID_REQUEST, "The server is initialized already.")
        elif not self.initialized:
            raise RequestError(failures.NOT_INITIALIZED, "The first request must be initialize.")

    def _structure_params(self, method: str, raw: Any) -> Any:
        """Give params their type: the specification's, ours, or none for a method that has none."""
        kind: Any = CUSTOM_PARAMS.get(method)
        if kind is not None:
            if isinstance(raw, list):  # some clients add an absent token as a second, positional null
                raw = raw[0] if raw else None
            raw = {} if raw is None else raw
        else:
            kind = lsp.METHOD_TO_TYPES.get(method, (None, None, None))[2]
        if kind is None or (raw is None and method in _PARAMS_OPTIONAL):
            return raw
        try:
            return self._converter.structure(raw, kind)
        except Exception as error:  # the generated hooks and validators raise anything for one wrong value or another
            raise failures.invalid_params(method, error) from None

    # -- handlers at work --------------------------------------------------------------------------------------

    def _execute_handler(
        self, msg_id: int | str, handler: Any, callback: Any, args: Any = None, kwargs: Any = None
    ) -> None:
        """Run a handler as the library does, with our own account of what is under way.

        The library's would keep notifications for ever, and mix the client's requests with those to the client.
        """
        super()._execute_handler(msg_id, handler, callback, args, kwargs)
        task = self._request_futures.pop(msg_id, None)
        if isinstance(task, asyncio.Task):
            self._working[msg_id] = task
            task.add_done_callback(partial(self._forget, msg_id))

    def _forget(self, msg_id: int | str, task: asyncio.Task[Any]) -> None:
        self._called_off.discard(task)
        if self._working.get(msg_id) is task:  # an id may be used again once it is answered
            del self._working[msg_id]

    def _call_off(self, msg_id: int | str) -> None:
        """Answer a request that is not wanted any more, then let its handler go in its own time."""
        if (task := self._working.pop(msg_id, None)) is None:
            return
        self._called_off.add(task)
        task.cancel()
        if _is_id(msg_id):
            self._refuse(msg_id, RequestError(failures.REQUEST_CANCELLED, "The request was cancelled."))

    def in_flight(self) -> list[asyncio.Task[Any]]:
        """The handlers that are still at work."""
        return [task for task in (*self._working.values(), *self._called_off) if not task.done()]

    # -- out ---------------------------------------------------------------------------------------------------

    def _refuse(self, msg_id: Any, error: RequestError) -> None:
        self._send_data({"jsonrpc": "2.0", "id": msg_id, "error": {"code": error.code, "message": error.message}})

    def _send_data(self, data: Any) -> None:
        """Send a message; called from the loop's thread only."""
        if self.writer is None or self.exited.is_set():
            return
        body = json.dumps(data, default=self._serialize_message, separators=(",", ":"))
        self.writer.write(encode_frame(body.encode("ascii")))

    def _serialize_message(self, data: Any) -> Any:
        if isinstance(data, enum.Enum):
            return data.value
        return self._converter.unstructure(data)

    def _send_handler_result(self, future: "Future[Any]", *, msg_id: int | str) -> None:
        if future in self._called_off:
            return  # it is answered already
        if future.cancelled():
            self._refuse(msg_id, RequestError(failures.REQUEST_CANCELLED, "The request was cancelled."))
        elif (error := future.exception()) is not None:
            told = failures.response_error(error)
            self._send_response(msg_id, error=told)
        else:
            try:
                self._send_response(msg_id, result=future.result())
            except Exception as bug:  # a result that is no JSON: the client must not wait for ever
                self._send_response(msg_id, error=failures.response_error(bug))

    def _check_handler_result(self, future: "Future[Any]") -> None:
        if future.cancelled() or (error := future.exception()) is None:
            return
        if isinstance(error, DocumentError):
            logger.warning("%s", error)
        elif isinstance(error, (RequestError, *USER_ERRORS)):  # a request that forgot its id; the text may hold a value
            logger.warning("A notification was refused: %s.", type(error).__name__)
        else:
            logger.error("A notification failed.", exc_info=error)

    # -- the library's own methods, where ours differ --------------------------------------------------------------

    @lsp_method(lsp.INITIALIZE)
    def lsp_initialize(self, params: lsp.InitializeParams) -> Generator[Any, Any, lsp.InitializeResult]:
        """Start the session, then say what we can do for this client."""
        result = yield from super().lsp_initialize(params)
        capabilities = result.capabilities
        self._server.start_session(params, str(capabilities.position_encoding or "utf-16"))
        if self._server.session.client.inline_completion:
            capabilities.completion_provider = None  # ghost text comes through inlineCompletion alone
        self.initialized = True
        return result

    @lsp_method(lsp.SHUTDOWN)
    def lsp_shutdown(self, *_: Any) -> None:  # type: ignore[override]
        """Call off what is under way, each request with an answer of its own; from now on only `exit` is heard."""
        for msg_id in tuple(self._working):
            self._call_off(msg_id)
        self._shutdown = True

    @lsp_method(lsp.EXIT)
    def lsp_exit(self, *_: Any) -> None:  # type: ignore[override]
        """End the process: 0 after shutdown, else 1."""
        self.leave()

    def leave(self) -> None:
        """The session is over, by `exit`, by the end of the input or because the editor is gone."""
        if self.exit_code is None:
            self.exit_code = 0 if self._shutdown else 1
            self.exited.set()

    @lsp_method(lsp.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(self, params: lsp.ExecuteCommandParams) -> Any:  # type: ignore[override]
        """Run a command as a task, so that it can be cancelled."""
        handler = self.fm.commands.get(params.command)
        if handler is None:
            raise RequestError(failures.INVALID_PARAMS, f"Unknown command: {params.command}.")
        return await handler(*(params.arguments or ()))

    def command_params(self, method: str, argument: Any) -> Any:
        """Give a command's argument the type of the params of the method that it stands for."""
        return self._structure_params(method, argument)


# The library would keep documents, folders and tokens as well, and fail where the client is not consistent.
_KEPT_BY_US = (
    lsp.TEXT_DOCUMENT_DID_OPEN,
    lsp.TEXT_DOCUMENT_DID_CHANGE,
    lsp.TEXT_DOCUMENT_DID_CLOSE,
    lsp.NOTEBOOK_DOCUMENT_DID_OPEN,
    lsp.NOTEBOOK_DOCUMENT_DID_CHANGE,
    lsp.NOTEBOOK_DOCUMENT_DID_CLOSE,
    lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS,
    lsp.WINDOW_WORK_DONE_PROGRESS_CANCEL,
)
_MAY_HOLD_SURROGATES = re.compile(rb"\\u[dD][89a-fA-F]")
_PARAMS_OPTIONAL = frozenset({lsp.INITIALIZED, lsp.SHUTDOWN, lsp.EXIT})


def _parsed(body: bytes) -> Any:
    """Read JSON; halves of surrogate pairs, which JSON can spell but nobody can encode, become U+FFFD.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    message = json.loads(body)
    if _MAY_HOLD_SURROGATES.search(body) is None:
        return message
    return json.loads(well_formed(json.dumps(message, ensure_ascii=False)))


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)
