"""Which models answer: the settings first, then what runs on this machine, then the embedded one."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kibitz.prompts.templates.complete import FAMILIES, FimFamily, family_of
from kibitz.server.errors import ConfigError, NoModelError
from kibitz.server.llm.line import Lines
from kibitz.server.llm.turns import Urgency
from kibitz.server.roles import Role, general_endpoint, network_of, own_endpoint, own_found

if TYPE_CHECKING:
    from kibitz.indexer.embed import Embedder
    from kibitz.server.config import Config
    from kibitz.server.llm.detect import Found
    from kibitz.server.llm.embedded import EmbeddedModel
    from kibitz.server.llm.openai_client import OpenAIChat, OpenAICompleter
    from kibitz.server.llm.ports import Reranker
    from kibitz.server.llm.sent import SentPrompts

# The embedded model reads 100 to 160 tokens a second on one thread: a prompt of this size answers in seconds.
EMBEDDED_BUDGET_TOKENS = 1400
EMBEDDED_ANSWER_TOKENS = 200
SMALL_MODEL_BYTES = 500_000_000  # below this a model copies a form better than it follows a rule

MINILM = "minilm"
RERANK_THREADS = max(1, min(4, (os.cpu_count() or 1) // 2))

KEY_ALONE = " OPENAI_API_KEY alone is not taken as leave to send code anywhere."
NO_MODEL = (
    "There is no model to ask: set OPENAI_BASE_URL to an OpenAI-compatible endpoint, start a local server"
    " (Ollama, llama.cpp, LM Studio, vLLM), or run `kibitz model add smollm2`."
)


@dataclass(frozen=True, slots=True)
class Models:
    """The models that were chosen, and why.

    `family` is the completer's fill-in-the-middle format; with None it is a chat model that is asked for completions.
    `editor` is the model for edits where it is another than the chat model. `small` asks for the prompts that a very
    small model can follow. `embedded` says that they run in a process of ours. `context_tokens`
    is the least of the models' contexts, 0 where nothing tells it. `completes_at` names what writes ghost text, for
    what is remembered of its speed. `untried` says that nobody has asked yet whether the completer, a chat model by
    its name, fills in the middle by a route of its server's own: see `settled`.
    """

    chat: "OpenAIChat | EmbeddedModel"
    completer: "OpenAICompleter | OpenAIChat | EmbeddedModel | None"
    family: FimFamily | None
    source: str
    editor: "OpenAIChat | EmbeddedModel | None" = None
    small: bool = False
    embedded: bool = False
    context_tokens: int = 0
    completes_at: str = ""
    untried: bool = False
    lines: Lines = field(default_factory=Lines)

    @property
    def edits(self) -> "OpenAIChat | EmbeddedModel":
        """The model for edits."""
        return self.editor or self.chat

    def roles(self) -> "dict[Role, OpenAIChat | OpenAICompleter | EmbeddedModel]":
        """Who answers for each role."""
        return {"chat": self.chat, "edit": self.edits, "completion": self.completer or self.chat}

    async def close(self) -> None:
        """Close the connections; an embedded model's process ends."""
        for model in {id(model): model for model in self.roles().values()}.values():
            await model.close()


async def choose(config: "Config", sent: "SentPrompts | None" = None) -> Models:
    """Choose the models of all roles; what is sent to them is noted in `sent`.

    A role's own endpoint, where one is named. For the others, in this order: an endpoint that the user named, an
    embedded model that the user named, a model server on loopback that has a model, an embedded model that was added;
    the chat's own endpoint where there is none of these. A key alone names no endpoint: nothing leaves the machine for
    it.

    Raises:
        NoModelError: nothing answers questions; the sentence says what to do.
    """
    lines = Lines(config.local_parallel, sent)
    own = await own_found(config)
    # A model's name belongs to the endpoint of its role.
    completion_model = "" if "completion" in own else config.completion_model
    chat_model = completion_model if "chat" in own else config.chat_model
    try:
        models = await _general(replace(config, chat_model=chat_model, completion_model=completion_model), lines)
    except NoModelError:
        if "chat" not in own:
            raise
        models = _with_endpoint(replace(config, completion_model=completion_model), own["chat"], lines)
    return _with_roles(models, own, config)


async def _general(config: "Config", lines: Lines) -> Models:
    """The models for every role that has no endpoint of its own."""
    if config.base_url or not config.local_model:
        from kibitz.server.llm.detect import detect

        found, _ = await detect(
            named_endpoint(config), network=network_of(config), loopback=config.detect and not config.base_url
        )
        for each in found:
            if each.models or config.base_url:
                return _with_endpoint(config, each, lines)
    if config.local_model:
        return _embedded(config, config.local_model, lines)
    from kibitz.server.llm.model_store import list_models

    for listed in list_models(config.data_dir):
        if listed.path is not None and listed.model.chats:
            return _embedded(config, str(listed.path), lines)
    raise NoModelError(NO_MODEL + (KEY_ALONE if config.api_key else ""))


async def settled(models: Models, config: "Config") -> Models:
    """Find out once how the completer fills in the middle, where its name does not say: a few words are sent."""
    if not models.untried:
        return models
    from kibitz.server.llm.native_fim import NATIVE, native_form
    from kibitz.server.llm.openai_client import OpenAIChat, OpenAICompleter

    chat = models.completer
    if not isinstance(chat, OpenAIChat):
        return replace(models, untried=False)
    line = models.lines.to(chat.endpoint)
    form = await native_form(chat.endpoint, chat.name, line, config.cache_dir)
    if form is None:
        return replace(models, untried=False)
    await chat.close()
    completer = OpenAICompleter(chat.endpoint, chat.name, line, form)
    return replace(models, completer=completer, family=NATIVE, untried=False)


def named_endpoint(config: "Config") -> dict[str, str]:
    """The endpoint that the settings name, in the form that detection takes; a key alone names none."""
    if not config.base_url:
        return {}
    return {"OPENAI_BASE_URL": config.base_url, "OPENAI_API_KEY": str(config.api_key)}


def _with_endpoint(config: "Config", found: "Found", lines: Lines) -> Models:
    from kibitz.server.llm.openai_client import OpenAIChat

    chat_name = _model_name(config.chat_model, found)
    completion_name = config.completion_model or chat_name
    completer, family = _completer(config, found, completion_name, lines)
    contexts = [size for name in (chat_name, completion_name) if (size := found.contexts.get(name))]
    return Models(
        chat=OpenAIChat(found.endpoint, chat_name, lines.to(found.endpoint)),
        completer=completer,
        family=family,
        source=found.source,
        untried=_untried(config, family),
        context_tokens=config.context_tokens or min(contexts, default=0),
        completes_at=f"{found.endpoint.shown} {completion_name}",
        lines=lines,
    )


def _model_name(named: str, found: "Found") -> str:
    """The model that the settings name, or else the endpoint's first that is no embedder.

    Raises:
        NoModelError: neither.
    """
    if not named and not found.models:
        raise NoModelError(
            f"{found.endpoint.shown} does not say which models it has: is it running and the key right?"
            " `kibitz doctor` shows what it answers; --model or KIBITZ_CHAT_MODEL names one."
        )
    return named or next((name for name in found.models if "embed" not in name), found.models[0])


def _completer(
    config: "Config", found: "Found", name: str, lines: Lines
) -> "tuple[OpenAICompleter | OpenAIChat, FimFamily | None]":
    """What writes ghost text: a completer for a model that fills in the middle, a chat for another."""
    from kibitz.server.llm.openai_client import OpenAIChat, OpenAICompleter

    line, family = lines.to(found.endpoint), _family(config, name)
    if family is None:
        return OpenAIChat(found.endpoint, name, line, Urgency.COMPLETION), None
    return OpenAICompleter(found.endpoint, name, line), family


def _untried(config: "Config", family: FimFamily | None) -> bool:
    return family is None and config.fim_family in ("", "native")


def _with_roles(models: Models, own: "Mapping[Role, Found]", config: "Config") -> Models:
    """The models with those of the roles that have an endpoint or a model of their own."""
    from kibitz.server.llm.openai_client import OpenAIChat

    lines, sizes = models.lines, [models.context_tokens]
    if chat_at := own.get("chat"):
        name = _model_name(config.chat_model, chat_at)
        chat = OpenAIChat(chat_at.endpoint, name, lines.to(chat_at.endpoint))
        models = replace(models, chat=chat, source=chat_at.source, small=False, embedded=False)
        sizes.append(chat_at.contexts.get(name, 0))
    if edit_at := own.get("edit"):
        name = _model_name(config.edit_model, edit_at)
        models = replace(models, editor=OpenAIChat(edit_at.endpoint, name, lines.to(edit_at.endpoint)))
        sizes.append(edit_at.contexts.get(name, 0))
    elif config.edit_model and isinstance(models.chat, OpenAIChat):
        endpoint = models.chat.endpoint
        models = replace(models, editor=OpenAIChat(endpoint, config.edit_model, lines.to(endpoint)))
    if completion_at := own.get("completion"):
        name = _model_name(config.completion_model, completion_at)
        completer, family = _completer(config, completion_at, name, lines)
        at = f"{completion_at.endpoint.shown} {name}"
        models = replace(models, completer=completer, family=family, completes_at=at, untried=_untried(config, family))
        sizes.append(completion_at.contexts.get(name, 0))
    return replace(models, context_tokens=config.context_tokens or min(filter(None, sizes), default=0))


def _embedded(config: "Config", name: str, lines: Lines) -> Models:
    from kibitz.server.completion.suggest import PLAIN
    from kibitz.server.llm.embedded import EmbeddedModel
    from kibitz.server.llm.model_store import known, path_of

    if not name.endswith(".gguf") and not known(name).chats:
        raise NoModelError(f"{name} is no model that answers; `kibitz model list` shows which there are.")
    gguf = _file(name) if name.endswith(".gguf") else path_of(name, config.data_dir)
    model = EmbeddedModel(gguf, threads=config.local_threads, sent=lines.sent)
    return Models(
        chat=model,
        completer=model,
        family=_family(config, gguf.stem) or PLAIN,
        source="embedded",
        small=gguf.stat().st_size < SMALL_MODEL_BYTES,
        embedded=True,
        context_tokens=model.context_tokens,
        completes_at=f"embedded {gguf.name}, {config.local_threads} threads",
        lines=lines,
    )


def _file(name: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError:  # "~nobody": no such user, and so no such file
        return Path(name)


def _family(config: "Config", model: str) -> FimFamily | None:
    if config.fim_family in ("none", "native"):
        return None
    if config.fim_family:
        if config.fim_family not in FAMILIES:
            raise ConfigError(
                f"fim_family must be none, native or one of {', '.join(FAMILIES)}, not {config.fim_family!r}."
            )
        return FAMILIES[config.fim_family]
    return family_of(model)


def budgets_for(models: Models, config: "Config") -> "Config":
    """The settings with budgets that follow what the chosen model's context and speed allow."""
    from kibitz.server.config import fitting

    if context := models.context_tokens:
        names = ("ask_budget_tokens", "edit_budget_tokens", "completion_budget_tokens")
        config = replace(config, **{name: min(getattr(config, name), context) for name in names})
    if not models.embedded:
        return fitting(config)
    lowered = replace(
        config,
        ask_budget_tokens=min(config.ask_budget_tokens, EMBEDDED_BUDGET_TOKENS),
        edit_budget_tokens=min(config.edit_budget_tokens, EMBEDDED_BUDGET_TOKENS),
        completion_budget_tokens=min(config.completion_budget_tokens, EMBEDDED_BUDGET_TOKENS // 2),
        answer_tokens=min(config.answer_tokens, EMBEDDED_ANSWER_TOKENS),
        edit_tokens=min(config.edit_tokens, 2 * EMBEDDED_ANSWER_TOKENS),
    )
    return fitting(lowered)


def embedder_for(config: "Config") -> "Embedder":
    """The embedder that the settings name: the built-in one, or a model of the endpoint."""
    if not config.embedding_model:
        from kibitz.indexer.embed.static import load_static

        return load_static()
    endpoint = own_endpoint(config, "embedding") or general_endpoint(config)
    if endpoint is None:
        raise ConfigError("embedding_model needs an endpoint: set OPENAI_BASE_URL, or leave embedding_model empty.")
    from kibitz.server.llm.embeddings import OpenAIEmbedder

    return OpenAIEmbedder(endpoint, config.embedding_model)


def reranker_for(config: "Config") -> "Reranker":
    """The second stage of search that the settings name.

    Raises:
        ConfigError: they name none, or no endpoint for it, or one of them is wrong.
        NoModelError: minilm, or what runs it, is not here.
    """
    if not config.rerank:
        raise ConfigError("There is no reranker: set rerank to minilm, or to a model of rerank_url.")
    if config.rerank_weight > 1:
        raise ConfigError(f"rerank_weight is a share, from 0 to 1, not {config.rerank_weight:g}.")
    if config.rerank == MINILM:
        from kibitz.server.llm.by_vectors import ByVectors
        from kibitz.server.llm.minilm import MiniLM
        from kibitz.server.llm.model_store import path_of

        return ByVectors(MiniLM(path_of(MINILM, config.data_dir), threads=RERANK_THREADS))
    return _endpoint_reranker(config)


def _endpoint_reranker(config: "Config") -> "Reranker":
    from kibitz.server.llm.by_vectors import ByVectors
    from kibitz.server.llm.rerank_endpoint import EndpointReranker, EndpointVectors

    endpoint = own_endpoint(config, "rerank") or general_endpoint(config)
    if endpoint is None:
        raise ConfigError(f"rerank = {config.rerank!r} needs an endpoint: set rerank_url, or rerank to minilm.")
    if config.rerank_by == "rerank":
        return EndpointReranker(endpoint, config.rerank)
    if config.rerank_by == "embeddings":
        return ByVectors(EndpointVectors(endpoint, config.rerank))
    raise ConfigError(f"rerank_by must be rerank or embeddings, not {config.rerank_by!r}.")
