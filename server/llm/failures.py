"""What went wrong with an endpoint, as one sentence that says what to do.

Only imported once `openai` is. No sentence holds a key, and none repeats text of the prompt: some servers quote the
whole request in their error messages.
"""

import contextlib
import json
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
import openai

from kibitz.server.errors import ModelError, UnreachableError
from kibitz.server.llm.endpoint import Endpoint

QUOTE_CHARS = 200
TOO_LONG = (
    "context_length_exceeded",  # OpenAI, Azure
    "exceed_context_size",  # llama.cpp
    "maximum context length",  # vLLM, OpenAI
    "context size",  # llama.cpp
    "context window",  # Ollama, LM Studio, gateways
    "context length",  # LM Studio
    "too large to process",  # llama.cpp, embeddings
    "maximum input length",
    "input length exceeds",  # Ollama, embeddings
)

PASSING = (408, 429, 500, 502, 503, 504)

NO_HOST = ("name or service", "name resolution", "nodename", "getaddrinfo")

CAUGHT = (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, json.JSONDecodeError, UnicodeDecodeError)
"""What a request to an endpoint can raise when it is not our own fault."""


def dropped(endpoint: Endpoint) -> ModelError:
    """The error of a stream that ended without a reason to stop."""
    return ModelError(
        f"The endpoint {endpoint.shown} closed the stream before the answer was complete; what came is kept."
    )


def late(endpoint: Endpoint) -> ModelError:
    """The error of an answer that does not begin."""
    seconds = endpoint.network.first_token_s(endpoint.loopback)
    return ModelError(
        f"{endpoint.shown} took the request but did not begin to answer within {seconds:g} s (first_token_timeout_s): "
        "is the model too big for its machine?"
    )


def silent(endpoint: Endpoint) -> ModelError:
    """The error of an answer that goes on no more."""
    return ModelError(
        f"{endpoint.shown} fell silent in the middle of the answer for {endpoint.network.silence_s:g} s "
        "(silence_timeout_s); what came is kept."
    )


def not_this_api(endpoint: Endpoint) -> ModelError:
    """The error of an answer that is no answer of this API."""
    return ModelError(
        f"{endpoint.shown} answered, but not as an OpenAI-compatible endpoint does: "
        "check the base URL (it usually ends in /v1)."
    )


def no_such_model(endpoint: Endpoint, model: str, there: Sequence[str]) -> ModelError:
    """The error of a model name that the endpoint does not know; `there` are those it does."""
    if there:
        names = ", ".join(there[:8]) + (", ..." if len(there) > 8 else "")
        return ModelError(f"{endpoint.shown} has no model {model!r}; it has: {names}.")
    return ModelError(
        f"{endpoint.shown} has no model {model!r}, or not this API: check the model's name and the base URL."
    )


def failure(error: BaseException, endpoint: Endpoint, *, begun: bool = False, prompt: Iterable[str] = ()) -> ModelError:
    """Say what went wrong.

    Args:
        error: one of `CAUGHT`.
        endpoint: who was asked.
        begun: whether a part of the answer had come already.
        prompt: the texts that were sent, which no message may quote.
    """
    if isinstance(error, openai.APIStatusError):
        return _refused(error, endpoint, prompt)
    if isinstance(error, openai.APIConnectionError | httpx2.HTTPError | httpx2.InvalidURL):
        return _unreachable(error, endpoint, begun)
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | openai.APIResponseValidationError):
        return not_this_api(endpoint)
    if isinstance(error, openai.APIError):  # an error object in the middle of a stream
        if is_too_long(error):
            return ModelError(_too_long(endpoint))
        return ModelError(f"{endpoint.shown} failed while it answered{_quoted(error, endpoint, prompt)}")
    return ModelError(f"The request to {endpoint.shown} failed ({type(error).__name__}).")


def is_stale(error: BaseException) -> bool:
    """Whether a connection broke that was kept open from the last answer: the server closes it just when it is used."""
    broken = httpx2.RemoteProtocolError | httpx2.ReadError | httpx2.WriteError
    return isinstance(error, openai.APIConnectionError) and isinstance(error.__cause__, broken)


def is_passing(error: BaseException) -> bool:
    """Whether the same request may be answered a little later."""
    quota = isinstance(error, openai.APIError) and error.code == "insufficient_quota"
    return isinstance(error, openai.APIStatusError) and error.status_code in PASSING and not quota


def is_ill(error: BaseException) -> bool:
    """Whether an error says something of the endpoint rather than of the request."""
    if isinstance(error, openai.APIStatusError):
        return error.status_code >= 500 or error.status_code in (408, 429)
    return True


def retry_after_s(error: BaseException) -> float | None:
    """The seconds a server asks to wait, given as such or as a date (RFC 9110, 10.2.3); None when it does not."""
    if not isinstance(error, openai.APIStatusError):
        return None
    said = error.response.headers.get("retry-after", "").strip()
    with contextlib.suppress(ValueError):
        return max(0.0, float(said)) if math.isfinite(float(said)) else None
    try:
        until = parsedate_to_datetime(said)
    except ValueError:
        return None
    if until.tzinfo is None:  # "-0000": a time in UTC whose place is not told
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _refused(error: openai.APIStatusError, endpoint: Endpoint, prompt: Iterable[str]) -> ModelError:
    """The first line that fits an error status."""
    status, at = error.status_code, endpoint.shown
    wait = retry_after_s(error)
    when = f"in {wait:.0f} s" if wait is not None else "later"
    how = f"set {endpoint.key_variable}" if endpoint.api_key is None else f"check {endpoint.key_variable}"
    quoted = _quoted(error, endpoint, prompt)
    sentences = (
        (status == 401, f"The endpoint {at} refused the API key: {how}."),
        (is_too_long(error), _too_long(endpoint)),
        (
            error.code == "insufficient_quota",
            f"{at} says that the account's quota is used up: check its billing.",
        ),
        (status == 429, f"{at} is over its rate limit: try again {when}."),
        (status == 403, f"{at} does not let this key use the model (HTTP 403){quoted}"),
        (status == 407, "The proxy wants a user name and password: put them into HTTPS_PROXY."),
        (status == 503, f"{at} is not ready (HTTP 503; it may be loading the model): try again{quoted}"),
        (status >= 500, f"{at} failed (HTTP {status}): try again, or look at its log{quoted}"),
        (True, f"{at} does not take the request (HTTP {status}){quoted}"),
    )
    return ModelError(next(sentence for fits, sentence in sentences if fits))


def _unreachable(error: Exception, endpoint: Endpoint, begun: bool) -> ModelError:
    """The first line that fits a broken connection."""
    cause = error.__cause__ if isinstance(error, openai.APIConnectionError) else error
    said = " ".join(str(link) for link in _chain(error)).lower()
    timeout = isinstance(error, openai.APITimeoutError) or isinstance(cause, httpx2.TimeoutException)
    at = endpoint.shown
    sentences = (
        (
            "certificate" in said or "ssl" in said,
            f"The TLS certificate of {at} is not trusted: set SSL_CERT_FILE to the CA bundle that signs it.",
        ),
        (
            isinstance(cause, httpx2.ProxyError),
            f"The proxy did not let {at} through: check HTTPS_PROXY and NO_PROXY.",
        ),
        (
            isinstance(cause, httpx2.ConnectTimeout),
            f"No answer from {at} within {endpoint.network.connect_s:g} s (connect_timeout_s): is the address right, "
            "is a proxy needed?",
        ),
        (timeout, str(silent(endpoint) if begun else late(endpoint))),
        (begun, str(dropped(endpoint))),
        (any(sign in said for sign in NO_HOST), f"There is no host for {at}: check the base URL."),
        (
            isinstance(cause, httpx2.ReadError | httpx2.RemoteProtocolError | httpx2.WriteError),
            f"{at} closed the connection without an answer: look at its log.",
        ),
        (True, f"No answer from {at}: is the server running?"),
    )
    kind = ModelError if begun else UnreachableError
    return kind(next(sentence for fits, sentence in sentences if fits))


def _too_long(endpoint: Endpoint) -> str:
    return f"The prompt is longer than the context of the model at {endpoint.shown}: lower the prompt's token budget."


def is_too_long(error: BaseException) -> bool:
    """Whether the server says that the text is longer than the model takes."""
    if not isinstance(error, openai.APIError):
        return False
    said = f"{error.message} {error.body}".lower()
    return any(sign in said for sign in TOO_LONG)


def _quoted(error: openai.APIError, endpoint: Endpoint, prompt: Iterable[str]) -> str:
    """The server's own words as ": ..." when they are short and repeat neither the key nor the prompt, else "."."""
    body = error.body
    said = body.get("message") if isinstance(body, dict) else None
    if not isinstance(said, str) or not said.strip():
        return "."
    said = " ".join(said.split())
    if len(said) > QUOTE_CHARS or (endpoint.api_key and endpoint.api_key in said):
        return "."
    lines = {line.strip() for text in prompt for line in text.splitlines()}
    if any(len(line) >= 8 and line in said for line in lines):
        return "."
    return f": {said.rstrip('.')}."


def _chain(error: BaseException | None) -> Iterable[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
