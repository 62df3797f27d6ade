"""Which models answer: the settings first, then what runs on this machine, then the embedded one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kibitz.prompts.templates.complete import FAMILIES, FimFamily, family_of
from kibitz.server.errors import ConfigError, NoModelError

if TYPE_CHECKING:
    from kibitz.indexer.embed import Embedder
    from kibitz.server.config import Config
    from kibitz.server.llm.embedded import EmbeddedModel
    from kibitz.server.llm.openai_client import Endpoint
    from kibitz.server.llm.ports import ChatModel, Completer

# The embedded model reads 100 to 160 tokens a second on one thread: a prompt of this size answers in seconds.
EMBEDDED_BUDGET_TOKENS = 1400
EMBEDDED_ANSWER_TOKENS = 200

NO_MODEL = (
    "There is no model to ask: set OPENAI_BASE_URL to an OpenAI-compatible endpoint, start a local server"
    " (Ollama, llama.cpp, LM Studio, vLLM), or run `kibitz model add smollm2`."
)


@dataclass(frozen=True, slots=True)
class Models:
    """The models that were chosen, and why.

    `family` is the completer's fill-in-the-middle format; None asks the chat model instead. `embedded` is what has
    to be closed in the end.
    """

    chat: "ChatModel"
    completer: "Completer | None"
    family: FimFamily | None
    source: str
    embedded: "EmbeddedModel | None" = None


async def choose(config: "Config", environ: Mapping[str, str]) -> Models:
    """Choose the chat model and the completer.

    Order: an endpoint that the user named, an embedded model that the user named, a model server on loopback, an
    embedded model that was added. A key alone names no endpoint: nothing leaves the machine for it.

    Raises:
        NoModelError: none of these; the sentence says what to do.
    """
    from kibitz.server.llm.openai_client import Endpoint

    if config.base_url:
        endpoint = Endpoint(base_url=config.base_url, api_key=config.api_key or None, kind="other")
        return await _from_endpoint(config, endpoint, config.base_url)
    if config.local_model:
        return _embedded(config, config.local_model)
    if config.detect:
        from kibitz.server.llm.detect import detect

        found, _ = await detect(environ)
        if found:
            return _with_endpoint(config, found[0].endpoint, found[0].models, found[0].source)
    from kibitz.server.llm.model_store import list_models

    installed = list_models(config.data_dir)
    if installed:
        return _embedded(config, installed[0].name)
    raise NoModelError(NO_MODEL)


async def _from_endpoint(config: "Config", endpoint: "Endpoint", source: str) -> Models:
    """Ask the endpoint for its models only where the settings name none."""
    models: tuple[str, ...] = ()
    if not config.chat_model:
        from kibitz.server.llm.openai_client import list_models

        models = await list_models(endpoint)
        if not models:
            raise NoModelError(f"{endpoint.base_url} lists no model: name one with --model or KIBITZ_CHAT_MODEL.")
    return _with_endpoint(config, endpoint, models, source)


def _with_endpoint(config: "Config", endpoint: "Endpoint", models: tuple[str, ...], source: str) -> Models:
    from kibitz.server.llm.openai_client import OpenAIChat, OpenAICompleter

    chat_name = config.chat_model or models[0]
    completion_name = config.completion_model or chat_name
    family = _family(config, completion_name)
    return Models(
        chat=OpenAIChat(endpoint, chat_name),
        completer=OpenAICompleter(endpoint, completion_name) if family else None,
        family=family,
        source=source,
    )


def _embedded(config: "Config", name: str) -> Models:
    from kibitz.server.llm.embedded import EmbeddedModel
    from kibitz.server.llm.model_store import path_of

    gguf = Path(name).expanduser() if name.endswith(".gguf") else path_of(name, config.data_dir)
    if gguf is None:
        raise NoModelError(f"There is no embedded model {name!r}: `kibitz model list` shows those there are.")
    model = EmbeddedModel(gguf, threads=config.local_threads)
    return Models(chat=model, completer=model, family=_family(config, gguf.stem), source="embedded", embedded=model)


def _family(config: "Config", model: str) -> FimFamily | None:
    if config.fim_family == "none":
        return None
    if config.fim_family:
        if config.fim_family not in FAMILIES:
            raise ConfigError(f"fim_family must be none or one of {', '.join(FAMILIES)}, not {config.fim_family!r}.")
        return FAMILIES[config.fim_family]
    return family_of(model)


def budgets_for(models: Models, config: "Config") -> "Config":
    """The settings with budgets that follow what the chosen model's speed allows."""
    if models.embedded is None:
        return config
    return replace(
        config,
        ask_budget_tokens=min(config.ask_budget_tokens, EMBEDDED_BUDGET_TOKENS),
        edit_budget_tokens=min(config.edit_budget_tokens, EMBEDDED_BUDGET_TOKENS),
        completion_budget_tokens=min(config.completion_budget_tokens, EMBEDDED_BUDGET_TOKENS // 2),
        answer_tokens=min(config.answer_tokens, EMBEDDED_ANSWER_TOKENS),
        edit_tokens=min(config.edit_tokens, 2 * EMBEDDED_ANSWER_TOKENS),
    )


def embedder_for(config: "Config") -> "Embedder":
    """The embedder that the settings name: the built-in one, or a model of the endpoint."""
    if not config.embedding_model:
        from kibitz.indexer.embed.static import load_static

        return load_static()
    if not config.base_url:
        raise ConfigError("embedding_model needs an endpoint: set OPENAI_BASE_URL, or leave embedding_model empty.")
    from kibitz.server.llm.embeddings import OpenAIEmbedder
    from kibitz.server.llm.openai_client import Endpoint

    endpoint = Endpoint(base_url=config.base_url, api_key=config.api_key or None, kind="other")
    return OpenAIEmbedder(endpoint, config.embedding_model)
