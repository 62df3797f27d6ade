"""A client of one endpoint, made when it is first needed."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import openai

    from kibitz.server.llm.endpoint import Endpoint


class LazyClient:
    """Importing `openai` and reading the CA bundle take a second, so that is done in a thread."""

    def __init__(self, endpoint: "Endpoint") -> None:
        self.endpoint = endpoint
        self._client: openai.AsyncOpenAI | None = None
        self._opening = asyncio.Lock()

    async def client(self) -> "openai.AsyncOpenAI":
        """The client, the same one each time."""
        async with self._opening:
            if self._client is None:
                self._client = await asyncio.to_thread(_new_client, self.endpoint)
            return self._client

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def _new_client(endpoint: "Endpoint") -> "openai.AsyncOpenAI":
    from kibitz.server.llm import clients, failures  # noqa: F401 - `failures` so that the loop need not import it

    return clients.async_client(endpoint)
