"""How `openai`'s clients are set up, the asynchronous one and the plain one alike.

Proxies and CA bundles come from the environment, identities do not: a key or an organisation in the environment belongs
to OpenAI and must not reach another endpoint. A proxy never stands between us and this machine. Only imported when
`openai` is needed.
"""

from collections.abc import Mapping
from typing import Any

import httpx2
import openai

from kibitz.server.llm.endpoint import CONNECT_TIMEOUT_S, Endpoint

READ_TIMEOUT_S = 60.0
LOCAL_READ_TIMEOUT_S = 300.0
"""A model on this machine may read a long prompt, or load itself, for minutes before its first word."""


def async_client(endpoint: Endpoint) -> openai.AsyncOpenAI:
    """The client for streams."""
    unwanted = _unwanted(endpoint)

    async def leave_out(request: httpx2.Request) -> None:
        _leave_out(request, unwanted)

    http = openai.DefaultAsyncHttpxClient(**_http(endpoint), event_hooks={"request": [leave_out]})
    return openai.AsyncOpenAI(http_client=http, **_options(endpoint))


def sync_client(endpoint: Endpoint) -> openai.OpenAI:
    """The client for embeddings."""
    unwanted = _unwanted(endpoint)

    def leave_out(request: httpx2.Request) -> None:
        _leave_out(request, unwanted)

    http = openai.DefaultHttpxClient(**_http(endpoint), event_hooks={"request": [leave_out]})
    return openai.OpenAI(http_client=http, **_options(endpoint))


def _unwanted(endpoint: Endpoint) -> tuple[str, ...]:
    """The headers that the library would add on its own."""
    foreign = () if endpoint.kind == "openai" else ("OpenAI-Organization", "OpenAI-Project")
    return foreign if endpoint.api_key is not None else (*foreign, "Authorization")


def _leave_out(request: httpx2.Request, unwanted: tuple[str, ...]) -> None:
    for name in unwanted:
        request.headers.pop(name, None)


def _timeout(endpoint: Endpoint) -> httpx2.Timeout:
    return httpx2.Timeout(LOCAL_READ_TIMEOUT_S if endpoint.loopback else READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)


def _http(endpoint: Endpoint) -> dict[str, Any]:
    return {"timeout": _timeout(endpoint), "trust_env": not endpoint.loopback}


def _options(endpoint: Endpoint) -> Mapping[str, Any]:
    return {
        "api_key": endpoint.api_key or "none",  # the library insists on one; `_leave_out` keeps it from being sent
        "admin_api_key": "",
        "base_url": endpoint.base_url,
        "max_retries": 0,
        "timeout": _timeout(endpoint),
    }
