"""How endpoints are reached: proxy, certificates, and how long they may take."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kibitz.server.errors import ConfigError

if TYPE_CHECKING:
    import ssl

    from kibitz.server.llm.endpoint import Endpoint

CONNECT_TIMEOUT_S = 5.0
FIRST_TOKEN_S = 60.0
LOCAL_FIRST_TOKEN_S = 300.0
"""A model on this machine may read a long prompt, or load itself, for minutes before its first word."""
SILENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Network:
    """The settings of this; what is empty or 0 follows the environment, or the endpoint.

    Raises:
        ConfigError: `proxy` is no URL of an HTTP proxy.
    """

    proxy: str = field(default="", repr=False)
    """Instead of HTTP_PROXY and HTTPS_PROXY; NO_PROXY still takes hosts out of it."""
    ca_file: str = ""
    """Instead of SSL_CERT_FILE."""
    connect_s: float = CONNECT_TIMEOUT_S
    first_s: float = 0.0
    silence_s: float = SILENCE_S

    def __post_init__(self) -> None:
        if not self.proxy:
            return
        try:
            parts = urlsplit(self.proxy)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise ConfigError("proxy looks like http://proxy.example:3128; this one does not.")

    def first_token_s(self, loopback: bool) -> float:
        """How long an answer may take to begin, in seconds."""
        return self.first_s or (LOCAL_FIRST_TOKEN_S if loopback else FIRST_TOKEN_S)


def client_options(endpoint: "Endpoint") -> dict[str, Any]:
    """What a client of `httpx2` for an endpoint is made with, timeouts aside.

    A proxy never stands between us and this machine. Certificates are always checked: against `ca_file`, SSL_CERT_FILE
    or SSL_CERT_DIR, or else those that the client brings.

    Raises:
        ConfigError: `ca_file` holds no certificates.
    """
    options: dict[str, Any] = {"trust_env": not endpoint.loopback}
    if endpoint.loopback:
        context = _context(endpoint.network.ca_file or os.environ.get("SSL_CERT_FILE", ""))
    else:
        context = _context(endpoint.network.ca_file)
        if endpoint.network.proxy:
            from urllib.request import proxy_bypass

            host = urlsplit(endpoint.base_url).hostname or ""
            options["proxy"] = endpoint.network.proxy
            if proxy_bypass(host):
                options |= {"proxy": None, "trust_env": False}
    return options if context is None else {**options, "verify": context}


def _context(ca_file: str) -> "ssl.SSLContext | None":
    """The certificates of a file, None for those that the client finds by itself."""
    if not ca_file:
        return None
    import ssl

    try:
        return ssl.create_default_context(cafile=Path(ca_file).expanduser())
    except (OSError, ValueError, RuntimeError):
        raise ConfigError(
            f"{ca_file} holds no CA certificates that can be read: set ca_file to a PEM bundle."
        ) from None
