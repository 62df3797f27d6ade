"""Where a model answers: a base URL and a key that never shows."""

import ipaddress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from kibitz.server.errors import ConfigError
from kibitz.server.llm.network import CONNECT_TIMEOUT_S, Network

__all__ = ["CONNECT_TIMEOUT_S", "Endpoint", "Kind", "Network", "is_loopback"]

Kind = Literal["openai", "ollama", "llama.cpp", "lmstudio", "vllm", "embedded", "other"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible endpoint.

    A base URL without a path gets "/v1": every known server puts the API there, and leaving it out is the usual slip.

    Raises:
        ConfigError: `base_url` is not an http(s) URL, or `api_key` cannot stand in a header.
    """

    base_url: str = field(repr=False)
    api_key: str | None = field(default=None, repr=False)
    kind: Kind = "other"
    key_variable: str = "OPENAI_API_KEY"
    """What to set or check when the key is refused."""
    network: Network = field(default=Network(), repr=False)
    """How it is reached."""
    shown: str = field(init=False)
    """The base URL as messages may show it: without user, password and query."""
    loopback: bool = field(init=False, repr=False)
    """Whether it is on this machine."""

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.base_url.strip())
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError("An endpoint's base URL looks like http://127.0.0.1:11434/v1; this one does not.")
        if self.api_key is not None and not (self.api_key.isascii() and self.api_key.isprintable()):
            raise ConfigError("The API key holds characters that no key has: copy it again, without line ends.")
        path = parts.path.rstrip("/") or "/v1"
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        netloc = host if port is None else f"{host}:{port}"
        put = object.__setattr__
        put(self, "base_url", urlunsplit((parts.scheme, parts.netloc, path, parts.query, "")))
        put(self, "shown", urlunsplit((parts.scheme, netloc, path, "", "")))
        put(self, "loopback", is_loopback(parts.hostname))


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
