"""Who counts the tokens of a prompt: the model's own tokenizer file, its server, or what its name tells."""

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from kibitz.server.errors import ConfigError, ModelError
from kibitz.server.rendering import Counting

if TYPE_CHECKING:
    from kibitz.prompts.hf_tokens import HFTokenizer
    from kibitz.server.config import Config
    from kibitz.server.llm.embedded import EmbeddedModel
    from kibitz.server.llm.endpoint import Endpoint
    from kibitz.server.llm.llama_cpp import LlamaCppCounter
    from kibitz.server.llm.openai_client import OpenAIChat, OpenAICompleter
    from kibitz.server.models import Models
    from kibitz.server.roles import Role

COUNTING_SERVERS = ("llama.cpp", "embedded")


class Counters:
    """Finds out once for each model who counts, and keeps it.

    The settings' `tokenizer` counts for the chat model, and for the completion model where that is the same one.
    """

    def __init__(self, config: "Config") -> None:
        self._path = config.tokenizer
        self._known: dict[tuple[Endpoint | None, str | None, bool], Counting] = {}
        self._open: list[LlamaCppCounter] = []
        self._finding = asyncio.Lock()

    async def counting(self, models: "Models | None", *, completion: bool = False, edit: bool = False) -> Counting:
        """Return how prompts of questions are counted, or those of completions, or of edits.

        An embedded engine is started.

        Raises:
            ConfigError, PromptError: `tokenizer` names no file that can be used.
        """
        chat = models.chat if models else None
        role: Role = "completion" if completion else "edit" if edit else "chat"
        model = models.roles()[role] if models else None
        name = model.name if model else None
        by_file = bool(self._path) and (chat is None or name == chat.name)
        endpoint = await _endpoint(model) if model else None
        async with self._finding:
            known = self._known.get((endpoint, name, by_file))
            if known is None:
                known = await asyncio.to_thread(self._find, endpoint, name, by_file)
                self._known[endpoint, name, by_file] = known
            return known

    def _find(self, endpoint: "Endpoint | None", name: str | None, by_file: bool) -> Counting:
        from kibitz.prompts.model_names import template_for, tokenizer_for

        own = self._load() if by_file else None
        named = Counting(own or tokenizer_for(name), template_for(name))
        named.tokenizer.count("ready")  # reads the ranks
        if endpoint is not None and endpoint.kind in COUNTING_SERVERS:
            return self._measured(endpoint, name or "", named)
        return named

    def _load(self) -> "HFTokenizer":
        from kibitz.prompts.hf_tokens import HFTokenizer

        try:
            path = Path(self._path).expanduser()
        except RuntimeError:
            raise ConfigError("tokenizer names the home of a user that this machine does not have.") from None
        return HFTokenizer.load(path)

    def _measured(self, endpoint: "Endpoint", name: str, named: Counting) -> Counting:
        """Count by a server: its format is measured, and the estimate, if there is no better one, is set by it."""
        from kibitz.prompts.model_names import estimate_for
        from kibitz.server.llm.llama_cpp import LlamaCppCounter

        counter = LlamaCppCounter(endpoint, name)
        self._open.append(counter)
        try:
            tokenizer = named.tokenizer
            if not tokenizer.exact:
                sample = _sample()
                tokenizer = estimate_for(name).calibrated(sample, counter.text_tokens(sample))
            return Counting(tokenizer, counter.template(), counter, otherwise=named)
        except ModelError:
            return Counting(named.tokenizer, named.template, counter, otherwise=named)

    def close(self) -> None:
        """Close the connections."""
        for counter in self._open:
            counter.close()


async def _endpoint(model: "OpenAIChat | OpenAICompleter | EmbeddedModel") -> "Endpoint | None":
    """Where a model answers; an embedded one is started for that, and has none when it does not start."""
    from kibitz.server.llm.embedded import EmbeddedModel

    if isinstance(model, EmbeddedModel):
        with contextlib.suppress(ModelError):  # whoever asks it hears why
            await model.start()
    return model.endpoint


def _sample() -> str:
    """Some code and prose to set an estimate by: this package's own."""
    from kibitz.prompts import nodes, tokens

    return "\n".join(Path(module.__file__ or "").read_text(encoding="utf-8") for module in (nodes, tokens))
