"""What the client is told when something goes wrong: a code and one sentence, never a traceback."""

import logging
import re

import cattrs
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from kibitz.server.errors import USER_ERRORS
from kibitz.server.lsp.methods import camel

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
NOT_INITIALIZED = -32002
REQUEST_FAILED = -32803
REQUEST_CANCELLED = -32800

logger = logging.getLogger(__name__)


class RequestError(JsonRpcException):  # type: ignore[misc, unused-ignore]
    """A request that cannot be answered, with its code and a sentence."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(message=sentence, code=code)


def response_error(error: BaseException) -> lsp.ResponseError:
    """Return what the client is told of an error. Anything that is no sentence of ours is a bug and is logged."""
    if isinstance(error, RequestError):
        return lsp.ResponseError(code=error.code, message=error.message)
    if isinstance(error, USER_ERRORS):
        return lsp.ResponseError(code=REQUEST_FAILED, message=str(error))
    logger.error("A request failed unexpectedly.", exc_info=error)
    return lsp.ResponseError(
        code=INTERNAL_ERROR, message="Kibitz failed unexpectedly; its log on standard error has the details."
    )


def invalid_params(method: str, error: Exception) -> RequestError:
    """Say which of a method's params is wrong: the place and the reason, not the value."""
    reasons = []
    for line in cattrs.transform_error(error, format_exception=_reason):
        reason, _, place = line.rpartition(" @ $")
        name = camel(place.lstrip(".")) or "params"
        reasons.append(f"{name}: {reason}")
    return RequestError(INVALID_PARAMS, f"Invalid params of {method}: {'; '.join(reasons[:3])}.")


def _reason(error: BaseException, kind: type | None) -> str:
    if isinstance(error, KeyError):
        return "required field missing"
    if isinstance(error, TypeError) and re.fullmatch(r"expected [a-z ]+", str(error)):
        return str(error)
    return f"expected {kind.__name__}" if isinstance(kind, type) else "invalid value"
