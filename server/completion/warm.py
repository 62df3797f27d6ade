"""What a first suggestion would wait for, done before: imports, a tokenizer, the index, a grammar, a client.

Together they take one to two seconds. Nothing of the workspace is sent for it, and no model's process is started.
"""

import asyncio
import contextlib
from typing import TYPE_CHECKING

from kibitz.indexer.errors import IndexerError
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.errors import USER_ERRORS

if TYPE_CHECKING:
    from kibitz.server.app import App


async def warm(app: "App", at: Snapshot) -> None:
    """Get ready for suggestions in a document; what cannot be had is told when one is asked for."""
    from kibitz.server.llm.openai_client import OpenAIChat, OpenAICompleter

    with contextlib.suppress(*USER_ERRORS):
        models = await app.models()
        if models.embedded:
            return
        await app.counting(completion=True)
        model = models.completer or models.chat
        if isinstance(model, OpenAIChat | OpenAICompleter):
            await model.open()
    await asyncio.to_thread(_ready, app, at)


def _ready(app: "App", at: Snapshot) -> None:
    from kibitz.prompts import session  # noqa: F401
    from kibitz.prompts.templates import complete  # noqa: F401
    from kibitz.server.completion import candidates  # noqa: F401
    from kibitz.server.completion.filters import look_around
    from kibitz.server.completion.suggest import HITS, query

    look_around(at.with_line_feeds())
    with contextlib.suppress(IndexerError, *USER_ERRORS):
        searcher = app.searcher()
        if not app.config.embedding_model:  # an endpoint would be sent the question
            searcher.search(query(at) or at.path, HITS)
