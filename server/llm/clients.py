"""How `openai`'s clients are set up, the asynchronous one and the plain one alike.

Proxies and CA bundles may come from the environment, identities do not: a key or an organisation in the environment
belongs to OpenAI and must not reach another endpoint. Only imported when `openai` is needed.
"""

from collections.abc import Mapping
from typing import Any

import httpx2
import openai

from kibitz.server.llm.endpoint import Endpoint
from kibitz.server.llm.network import client_options


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
    network = endpoint.network
    return httpx2.Timeout(network.first_token_s(endpoint.loopback), connect=network.connect_s)


def _http(endpoint: Endpoint) -> dict[str, Any]:
    return {"timeout": _timeout(endpoint), **client_options(endpoint)}


def _options(endpoint: Endpoint) -> Mapping[str, Any]:
    return {
        "api_key": endpoint.api_key or "none",  # the library insists on one; `_leave_out` keeps it from being sent
        "admin_api_key": "",
        "base_url": endpoint.base_url,
        "max_retries": 0,
        "timeout": _timeout(endpoint),
    }
