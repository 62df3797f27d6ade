"""Which endpoint answers for which role: its own where the settings name one, else the general one."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from kibitz.server.llm.endpoint import Endpoint, Network

if TYPE_CHECKING:
    from kibitz.server.config import Config
    from kibitz.server.llm.detect import Found

Role = Literal["chat", "edit", "completion", "embedding", "rerank"]

ANSWERING: tuple[Role, ...] = ("chat", "edit", "completion")


def network_of(config: "Config") -> Network:
    """How endpoints are reached.

    Raises:
        ConfigError: `proxy` is none.
    """
    return Network(
        proxy=config.proxy,
        ca_file=config.ca_file,
        connect_s=config.connect_timeout_s or Network().connect_s,
        first_s=config.first_token_timeout_s,
        silence_s=config.silence_timeout_s or Network().silence_s,
    )


def general_endpoint(config: "Config") -> Endpoint | None:
    """The endpoint for every role that has none of its own."""
    if not config.base_url:
        return None
    return Endpoint(config.base_url, config.api_key or None, network=network_of(config))


def own_endpoint(config: "Config", role: Role) -> Endpoint | None:
    """A role's own endpoint. A key goes to the endpoint that it was given for and to no other."""
    url, key = getattr(config, f"{role}_url"), getattr(config, f"{role}_api_key")
    if not url:
        return None
    variable = f"KIBITZ_{role.upper()}_API_KEY"
    return Endpoint(url, key or None, key_variable=variable, network=network_of(config))


async def own_found(config: "Config") -> "Mapping[Role, Found]":
    """The roles with an endpoint of their own, and what these say of themselves; none is asked twice."""
    from kibitz.server.llm.detect import look

    own = {role: endpoint for role in ANSWERING if (endpoint := own_endpoint(config, role))}
    asked = list(dict.fromkeys(own.values()))
    found = await asyncio.gather(*(look(endpoint) for endpoint in asked))
    return {role: found[asked.index(endpoint)][0] for role, endpoint in own.items()}
