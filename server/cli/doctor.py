"""`kibitz doctor`: what works here, what does not, and what to do about it."""

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from kibitz.server.cli.shared import closing, emit, json_option, make_app, path_option

if TYPE_CHECKING:
    from kibitz.server.app import App
    from kibitz.server.config import Config
    from kibitz.server.llm.detect import Found
    from kibitz.server.llm.embedded import EmbeddedModel
    from kibitz.server.llm.openai_client import OpenAIChat, OpenAICompleter
    from kibitz.server.models import Models

State = Literal["ok", "note", "bad"]
LOW_DISK_BYTES = 1_000_000_000
REACHED_WITHIN_S = 10.0
ENOUGH_WATCHES = 65_536  # folders of a very large workspace, and what an editor watches beside it


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `note` is something that is missing but not needed."""

    name: str
    state: State
    detail: str


@click.command()
@path_option
@json_option
def doctor(*, root: Path, as_json: bool) -> int:
    """Check this machine, the index and the models; exits 1 if something is broken.

    Nothing is sent anywhere but to the endpoint that you named and to this machine's own loopback ports.
    """
    app = make_app(root)
    checks = [*_machine(), *_storage(app), *_index(app), *asyncio.run(_asked(app))]
    if as_json:
        emit([asdict(check) for check in checks])
    else:
        colours = {"ok": "green", "note": "yellow", "bad": "red"}
        for check in checks:
            click.echo(f"{click.style(f'{check.state:<5}', fg=colours[check.state])}{check.name:<18}{check.detail}")
    return int(any(check.state == "bad" for check in checks))


def _machine() -> Iterator[Check]:
    from kibitz.indexer.languages import LANGUAGES, grammar
    from kibitz.indexer.processor import missing_for_store

    yield Check("python", "ok", f"{sys.version.split()[0]} on {sys.platform}")
    broken = [language for language in LANGUAGES if grammar(language) is None]
    detail = f"{len(LANGUAGES) - len(broken)} of {len(LANGUAGES)} load"
    yield Check("grammars", "bad" if broken else "ok", detail + (f"; missing {', '.join(broken)}" if broken else ""))
    git = shutil.which("git")
    yield Check("git", "ok" if git else "note", git or "not found: ignore files are read by Kibitz itself")
    missing = missing_for_store()
    yield Check("processor", "note" if missing else "ok", missing or "has what the vector store needs")
    yield from _watches()


def _watches() -> Iterator[Check]:
    """How many folders the system lets a user watch; only Linux has such a limit."""
    try:
        limit = int(Path("/proc/sys/fs/inotify/max_user_watches").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return
    remedy = f"; large workspaces are polled instead: raise it to {ENOUGH_WATCHES}" if limit < ENOUGH_WATCHES else ""
    yield Check("watching", "note" if remedy else "ok", f"fs.inotify.max_user_watches is {limit}{remedy}")


def _storage(app: "App") -> Iterator[Check]:
    directory = app.config.cache_dir
    try:
        directory.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(directory).free
    except OSError as error:
        yield Check("cache", "bad", f"{directory}: {error.strerror}; set KIBITZ_CACHE_DIR to a folder you can write")
        return
    if not os.access(directory, os.W_OK):
        yield Check("cache", "bad", f"{directory} is not writable; set KIBITZ_CACHE_DIR to a folder you can write")
        return
    low = free < LOW_DISK_BYTES
    yield Check("cache", "note" if low else "ok", f"{directory}, {free / 1e9:.1f} GB free")
    yield _budget(app)


def _budget(app: "App") -> Check:
    from kibitz.indexer.housekeeping import folder_bytes

    taken, budget = folder_bytes(app.config.cache_dir / "index") / 1e6, app.config.disk_budget_mb
    over = "; `kibitz gc` makes room" if taken > budget else ""
    return Check("indexes", "note" if over else "ok", f"take {taken:.1f} of {budget} MB{over}")


def _index(app: "App") -> Iterator[Check]:
    from kibitz.server.errors import USER_ERRORS

    try:
        name, state = app.embedder().name, app.index_status()
    except USER_ERRORS as error:  # an embedding endpoint that does not answer, an index that cannot be read
        yield Check("index", "bad", str(error))
        return
    yield Check("embedder", "ok", name)
    if not state.indexed:
        yield Check("index", "note", f"none yet for {app.root}: run `kibitz index`")
        return
    behind = f"{state.behind} files changed since: run `kibitz index`" if state.behind else "up to date"
    yield Check("index", "ok", f"{state.files} files, {state.chunks} chunks; {behind}")


async def _asked(app: "App") -> list[Check]:
    async with closing(app):
        return [await _reranker(app), *await _models(app)]


async def _reranker(app: "App") -> Check:
    """Whether the second stage answers, if one is set: two words are sent, and nothing of the workspace."""
    from kibitz.server.errors import ConfigError, ModelError

    if not app.config.rerank:
        return Check("reranker", "ok", "none is set")
    try:
        async with asyncio.timeout(REACHED_WITHIN_S):
            await app.second_stage.reranker().rerank("ready", ["ready", "steady"])
    except (ConfigError, ModelError) as error:
        return Check("reranker", "bad", str(error))
    except TimeoutError:
        return Check("reranker", "bad", f"{app.config.rerank} gave no scores within {REACHED_WITHIN_S:.0f} s")
    return Check("reranker", "ok", f"{app.config.rerank} answers")


async def _models(app: "App") -> list[Check]:
    from kibitz.server.errors import ConfigError, ModelError
    from kibitz.server.llm.detect import detect
    from kibitz.server.models import named_endpoint
    from kibitz.server.roles import network_of, own_found

    checks: list[Check] = []
    _, probes = await detect(named_endpoint(app.config), network=network_of(app.config), loopback=app.config.detect)
    checks += [Check("endpoint", "ok" if p.ok else "note", f"{p.url or p.source}: {p.detail}") for p in probes]
    own = await own_found(app.config)
    checks += [
        Check(f"{role} endpoint", "ok" if found.models else "note", f"{found.endpoint.shown}: {_listed(found)}")
        for role, found in own.items()
    ]
    engine = find_spec("xllamacpp") is not None
    wanted = "installed" if engine else "not installed: pip install 'kibitz[local]'"
    checks.append(Check("embedded engine", "ok" if engine else "note", wanted))
    try:
        models = await app.completion_models()
    except (ModelError, ConfigError) as error:
        checks.append(Check("model", "bad" if app.config.base_url else "note", str(error)))
        return [*checks, await _tokens(app, None)]
    completes = models.family.name if models.family else "by chat"
    checks.append(Check("model", "ok", f"{models.chat.name} ({models.source}); completion: {completes}"))
    checks += [Check(f"{role} model", "ok", _answers(model)) for role, model in models.roles().items()]
    checks.append(Check("embedding model", "ok", _embeds(app.config)))
    budget = await app.completion_budget()
    checks.append(Check("completion budget", "ok", f"{budget.tokens:,} tokens: {budget.why}"))
    return [*checks, await _tokens(app, models)]


def _listed(found: "Found") -> str:
    count = len(found.models)
    return f"{count} model{'' if count == 1 else 's'}" if count else "it does not say which models it has"


def _answers(model: "OpenAIChat | OpenAICompleter | EmbeddedModel") -> str:
    where = f"at {model.endpoint.shown}" if model.endpoint is not None else "embedded"
    return f"{model.name} {where}"


def _embeds(config: "Config") -> str:
    from kibitz.server.roles import general_endpoint, own_endpoint

    endpoint = own_endpoint(config, "embedding") or general_endpoint(config)
    if not config.embedding_model or endpoint is None:
        return "built in"
    return f"{config.embedding_model} at {endpoint.shown}"


async def _tokens(app: "App", models: "Models | None") -> Check:
    """Who counts the tokens of prompts: a word is counted. An embedded engine is not started for that."""
    from kibitz.prompts.nodes import fragment, user
    from kibitz.server.counting import Counters
    from kibitz.server.errors import USER_ERRORS
    from kibitz.server.rendering import rendered_off_the_loop

    embedded = models is not None and models.embedded
    counters = Counters(app.config)
    try:
        counting = await counters.counting(None if embedded else models)
        rendered = await rendered_off_the_loop(lambda: fragment(user("ready")), budget_tokens=1000, counting=counting)
    except USER_ERRORS as error:
        return Check("tokens", "bad", str(error))
    finally:
        counters.close()
    if embedded:
        return Check("tokens", "ok", "counted exactly, by the embedded engine")
    formatted = f"chat format: {counting.template.name}" if counting.template else ""
    if rendered.exact:
        return Check("tokens", "ok", f"counted exactly, by {rendered.tokenizer}; {formatted}")
    remedy = "set tokenizer to the model's tokenizer.json for exact counts"
    return Check("tokens", "note", f"counted too high by an {rendered.tokenizer}; {formatted}; {remedy}")
