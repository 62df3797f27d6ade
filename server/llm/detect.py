"""Which endpoints there are: those the environment names, and the usual local servers, asked in parallel.

Nothing on the network is contacted but what OPENAI_BASE_URL names. No key is sent to a server that was only found.
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from kibitz.server.llm import context_size
from kibitz.server.llm.endpoint import Endpoint, Kind, Network
from kibitz.server.llm.network import client_options

if TYPE_CHECKING:
    import httpx2

NAMED_TIMEOUT_S = 3.0
"""An endpoint that the user named may be far away."""

ANSWER_BYTES = 4 << 20
"""More than any list of models; whatever else listens on a usual port may never stop sending."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server that people run on this machine, and the port it listens on unless told otherwise."""

    kind: Kind
    title: str
    port: int


LOCAL_SERVERS = (
    LocalServer("ollama", "Ollama", 11434),
    LocalServer("llama.cpp", "llama.cpp", 8080),
    LocalServer("lmstudio", "LM Studio", 1234),
    LocalServer("vllm", "vLLM", 8000),
)

OWNERS: Mapping[str, Kind] = {
    "library": "ollama",
    "llamacpp": "llama.cpp",
    "organization_owner": "lmstudio",
    "vllm": "vllm",
}
"""What `owned_by` in a list of models tells about the server."""


@dataclass(frozen=True, slots=True)
class Found:
    """An endpoint to use; `models` is empty when it was not asked or did not answer.

    `contexts` are the models' contexts in tokens, of those that the endpoint tells.
    """

    endpoint: Endpoint
    models: tuple[str, ...]
    source: str
    contexts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Listed:
    """What an endpoint says of itself: names or None, the kind of server if it shows, what happened in words."""

    models: tuple[str, ...] | None
    kind: Kind | None
    detail: str
    contexts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Probe:
    """What was looked at, and what came of it."""

    source: str
    url: str
    ok: bool
    detail: str


async def detect(
    environ: Mapping[str, str],
    *,
    network: Network | None = None,
    loopback: bool = True,
    timeout_s: float = 0.5,
    servers: tuple[LocalServer, ...] = LOCAL_SERVERS,
) -> tuple[list[Found], list[Probe]]:
    """Find endpoints, best first: the one the environment names, then local servers in the order of `servers`.

    Args:
        environ: OPENAI_BASE_URL and OPENAI_API_KEY are read from it.
        network: how the named one is reached.
        loopback: whether to ask the usual ports of 127.0.0.1.
        timeout_s: how long a local server may take.
        servers: which local servers to ask.

    Raises:
        ConfigError: the environment names something that is no endpoint.
    """
    named = _named(environ, network or Network())
    local: list[LocalServer] = []
    if loopback:
        taken = named.base_url if named else ""
        local = [server for server in servers if _url(server) != taken.replace("//localhost:", "//127.0.0.1:")]
    answers = await asyncio.gather(_ask_named(named), *(_ask_local(server, timeout_s) for server in local))
    found = [found for found, _ in answers if found is not None]
    return found, [probe for _, probe in answers]


def _url(server: LocalServer) -> str:
    return f"http://127.0.0.1:{server.port}/v1"


def _named(environ: Mapping[str, str], network: Network) -> Endpoint | None:
    """The endpoint that the environment names; a key alone names none."""
    url = environ.get("OPENAI_BASE_URL", "").strip()
    if not url:
        return None
    key = environ.get("OPENAI_API_KEY", "").strip() or None
    return Endpoint(url, key, network=network)


async def _ask_named(endpoint: Endpoint | None) -> tuple[Found | None, Probe]:
    if endpoint is None:
        return None, Probe("OPENAI_BASE_URL", "", False, "not set")
    return await look(endpoint, "OPENAI_BASE_URL")


async def look(endpoint: Endpoint, source: str = "") -> tuple[Found, Probe]:
    """Ask an endpoint that the user named for its models; its URL is the source where nothing else is given.

    It is used even when it does not answer now: the failure then says so.
    """
    if endpoint.shown.startswith("https://api.openai.com/"):
        endpoint = replace(endpoint, kind="openai")
    listed = await _models(endpoint, NAMED_TIMEOUT_S)
    if listed.kind is not None and endpoint.kind == "other":
        endpoint = replace(endpoint, kind=listed.kind)
    source = source or endpoint.shown
    found = Found(endpoint, listed.models or (), source, listed.contexts)
    return found, Probe(source, endpoint.shown, listed.models is not None, listed.detail)


async def _ask_local(server: LocalServer, timeout_s: float) -> tuple[Found | None, Probe]:
    endpoint = Endpoint(_url(server), None, server.kind)
    listed = await _models(endpoint, timeout_s)
    source = f"127.0.0.1:{server.port} ({server.title})"
    if listed.models is None:
        return None, Probe(source, endpoint.shown, False, listed.detail)
    if listed.kind is not None:
        endpoint = Endpoint(endpoint.base_url, None, listed.kind)
    found = Found(endpoint, listed.models, f"found on {source}", listed.contexts)
    return found, Probe(source, endpoint.shown, True, listed.detail)


async def _models(endpoint: Endpoint, timeout_s: float) -> _Listed:
    """Ask for the list of models, and llama.cpp for the context that it was started with."""
    headers = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
    client = await asyncio.to_thread(_client, endpoint, headers)
    import httpx2  # in that thread first: it takes a while

    async with client:
        try:
            async with asyncio.timeout(timeout_s):
                status, body = await _get(client, f"{endpoint.base_url}/models")
        except (TimeoutError, httpx2.TimeoutException):
            return _Listed(None, None, f"no answer within {timeout_s:g} s")
        except httpx2.ConnectError:
            return _Listed(None, None, "nothing listens there" if endpoint.loopback else "no connection to it")
        except httpx2.HTTPError as error:
            return _Listed(None, None, f"no usable answer ({type(error).__name__})")
        listed = _listed(status, body, endpoint)
        if listed.models and listed.kind == "llama.cpp":
            with contextlib.suppress(TimeoutError, httpx2.HTTPError, ValueError):
                async with asyncio.timeout(timeout_s):
                    _, body = await _get(client, f"{endpoint.base_url.removesuffix('/v1')}/props")
                if size := context_size.in_props(json.loads(body)):
                    return replace(listed, contexts=dict.fromkeys(listed.models, size))
        return listed


def _listed(status: int, body: bytes, endpoint: Endpoint) -> _Listed:
    """Read what an endpoint answered when it was asked for its models."""
    if status in (401, 403):
        variable = endpoint.key_variable
        general = variable == "OPENAI_API_KEY"
        missing = "set OPENAI_BASE_URL and OPENAI_API_KEY" if general else f"set {variable}"
        how = missing if endpoint.api_key is None else f"it refused {variable}"
        return _Listed(None, None, f"it wants a key: {how}")
    names, owner = _names(body) if status == 200 else (None, "")
    if names is None:
        return _Listed(None, None, f"something answers (HTTP {status}), but not as an OpenAI-compatible endpoint")
    told = f"{len(names)} model{'' if len(names) == 1 else 's'}"
    return _Listed(names, OWNERS.get(owner), told, context_size.in_listing(json.loads(body)))


def _client(endpoint: Endpoint, headers: Mapping[str, str]) -> "httpx2.AsyncClient":
    import httpx2

    return httpx2.AsyncClient(headers=headers, **client_options(endpoint))


async def _get(client: "httpx2.AsyncClient", url: str) -> tuple[int, bytes]:
    async with client.stream("GET", url) as response:
        body = b""
        async for block in response.aiter_bytes():
            body += block
            if len(body) > ANSWER_BYTES:
                break
        return response.status_code, body


def _names(body: bytes) -> tuple[tuple[str, ...] | None, str]:
    """The model names in `{"data": [{"id": ...}, ...]}` and who owns the first; None when it is something else."""
    try:
        answer: Any = json.loads(body)
    except ValueError:
        return None, ""
    data = answer.get("data") if isinstance(answer, dict) else None
    if data is None and isinstance(answer, dict) and answer.get("object") == "list":
        data = []  # Ollama without any model says null
    if not isinstance(data, list) or not all(isinstance(m, dict) and isinstance(m.get("id"), str) for m in data):
        return None, ""
    return tuple(m["id"] for m in data), str(data[0].get("owned_by", "")) if data else ""
