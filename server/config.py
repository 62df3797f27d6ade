"""Settings: read once, in layers, each with its source.

Defaults, then the user's file, the workspace's file, the environment, the editor's options, those that it has for the
folder, the command line's flags: the later one wins. The workspace's own file may only narrow (ignore more, index
less, smaller budgets), and so may the editor's options for the folder: somebody else may have written them. A name
that is not known is an error.
"""

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from kibitz.server.errors import ConfigError

WORKSPACE_FILE = ".kibitz.toml"
USER_FILE = "kibitz.toml"
MOST_BYTES = 256_000


class Secret(str):
    """A string that does not show itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def _setting(default: Any, text: str, *, narrows: bool = False, secret: bool = False) -> Any:
    """One setting: its default, one line of help, and whether a workspace's own file may lower or add to it."""
    metadata = {"help": text, "narrows": narrows, "secret": secret}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


def _cache_dir() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("kibitz"))


def _data_dir() -> Path:
    import platformdirs

    return Path(platformdirs.user_data_dir("kibitz"))


def _workers() -> int:
    import os

    return max(1, min(4, os.cpu_count() or 1))


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting. Immutable: a change makes a new one."""

    base_url: str = _setting("", "an OpenAI-compatible endpoint, for example http://127.0.0.1:11434/v1")
    api_key: Secret = _setting(Secret(), "the endpoint's key; from the environment or the editor only", secret=True)
    chat_model: str = _setting("", "the model for chat and edits; empty: the endpoint's first that is no embedder")
    chat_url: str = _setting("", "another endpoint for chat, and for edits unless edit_url is set; empty: base_url")
    chat_api_key: Secret = _setting(
        Secret(), "the key of chat_url; from the environment or the editor only", secret=True
    )
    edit_model: str = _setting("", "the model for edits; empty: the chat model")
    edit_url: str = _setting("", "another endpoint for edits; empty: the one for chat")
    edit_api_key: Secret = _setting(
        Secret(), "the key of edit_url; from the environment or the editor only", secret=True
    )
    completion_model: str = _setting("", "the model for ghost text; empty: the chat model")
    edit_format: str = _setting(
        "", "how a whole file's edits are asked for: blocks, diff or rewrite; empty: by the model's name"
    )
    completion_url: str = _setting("", "another endpoint for ghost text; empty: base_url")
    completion_api_key: Secret = _setting(
        Secret(), "the key of completion_url; from the environment or the editor only", secret=True
    )
    fim_family: str = _setting(
        "",
        "the fill-in-the-middle format; empty: by the model's name, else native; native: the server's own; none: chat",
    )
    embedding_model: str = _setting("", "an embedding model of the endpoint; empty: the built-in one")
    embedding_url: str = _setting("", "another endpoint for embeddings; empty: base_url")
    embedding_api_key: Secret = _setting(
        Secret(), "the key of embedding_url; from the environment or the editor only", secret=True
    )
    embedding_price: float = _setting(
        0.0, "what the endpoint takes for a million tokens of embeddings, in your currency; 0: not known"
    )
    rerank: str = _setting(
        "", "reads the best hits of a search again: minilm, or a model of rerank_url; empty: nothing does"
    )
    rerank_url: str = _setting("", "the reranker's OpenAI-compatible endpoint; empty: base_url")
    rerank_api_key: Secret = _setting(
        Secret(), "the key of rerank_url; from the environment or the editor only", secret=True
    )
    rerank_by: str = _setting("rerank", "what the model at the endpoint answers: rerank or embeddings")
    rerank_candidates: int = _setting(20, "how many hits are read again", narrows=True)
    rerank_weight: float = _setting(0.2, "of the reranker beside the first stage, 0 to 1", narrows=True)
    rerank_ms: int = _setting(2000, "after so long the hits stay as they are, in milliseconds", narrows=True)
    local_model: str = _setting("", "an embedded model: a name from `kibitz model list` or a GGUF file")
    local_threads: int = _setting(1, "threads of the embedded model")
    tokenizer: str = _setting(
        "", "the chat model's tokenizer.json, or its folder, to count tokens by; empty: by its server or its name"
    )
    trusted: bool = _setting(
        True, "the workspace may speak: its rules files (AGENTS.md) are read, and git is asked what has changed"
    )
    detect: bool = _setting(True, "look for model servers on their usual loopback ports")
    local_parallel: int = _setting(1, "requests at once to a model server on this machine; ghost text goes first")
    proxy: str = _setting("", "for endpoints that are not on this machine; empty: HTTPS_PROXY, HTTP_PROXY, NO_PROXY")
    ca_file: str = _setting("", "a PEM bundle of the CA that signs the endpoints; empty: SSL_CERT_FILE")
    connect_timeout_s: float = _setting(5.0, "how long an endpoint may take to be reached, in seconds")
    first_token_timeout_s: float = _setting(
        0.0, "how long an answer may take to begin, in seconds; 0: 60, or 300 on this machine"
    )
    silence_timeout_s: float = _setting(60.0, "how long an answer may pause, in seconds")
    context_tokens: int = _setting(0, "the model's context, in tokens; 0: what the endpoint says of it")
    first_token_ms: int = _setting(
        300, "ghost text: its prompt is as large as can be read in this time, in milliseconds", narrows=True
    )
    ask_budget_tokens: int = _setting(8000, "prompt and answer of a question, in tokens", narrows=True)
    edit_budget_tokens: int = _setting(8000, "prompt and answer of an edit, in tokens", narrows=True)
    completion_budget_tokens: int = _setting(
        2048, "prompt and answer of a completion, in tokens, at most", narrows=True
    )
    answer_tokens: int = _setting(
        1024, "the longest answer to a question, in tokens; half of its budget at most", narrows=True
    )
    edit_tokens: int = _setting(
        2048, "the longest answer to an edit, in tokens; half of its budget at most", narrows=True
    )
    completion_tokens: int = _setting(
        128, "the longest completion, in tokens; half of its budget at most", narrows=True
    )
    completion_off: tuple[str, ...] = _setting(
        (), "where ghost text is off: languages, or globs of paths", narrows=True
    )
    ignore: tuple[str, ...] = _setting((), "more patterns to leave out, in .gitignore's syntax", narrows=True)
    max_file_bytes: int = _setting(1_000_000, "larger files are not indexed", narrows=True)
    workers: int = _setting(_workers, "processes that parse", narrows=True)
    index_on_start: bool = _setting(True, "the language server indexes the workspace when it starts")
    watch: bool = _setting(True, "with index_on_start: the language server follows what changes on disk", narrows=True)
    disk_budget_mb: int = _setting(2000, "what all indexes may take on disk, in MB; those used longest ago go first")
    cache_dir: Path = _setting(_cache_dir, "where indexes are kept; they can be rebuilt at any time")
    data_dir: Path = _setting(_data_dir, "where embedded models are kept")
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)


SETTINGS = {f.name: f for f in fields(Config) if f.name != "sources"}
_ENVIRONMENT = {"OPENAI_BASE_URL": "base_url", "OPENAI_API_KEY": "api_key"}


def load(
    root: Path | None,
    environ: Mapping[str, str],
    *,
    options: Mapping[str, Any] | None = None,
    narrowed: Mapping[str, Any] | None = None,
    flags: Mapping[str, Any] | None = None,
    user_file: Path | None = None,
) -> Config:
    """Read the settings for a workspace.

    Args:
        root: the workspace, for its own file; None reads none.
        environ: the environment (`KIBITZ_<NAME>`, `OPENAI_BASE_URL`, `OPENAI_API_KEY`).
        options: the editor's, from `initializationOptions`.
        narrowed: the editor's for this folder alone, which may only narrow: it mixes the workspace's own files in.
        flags: the command line's; None values are not set.
        user_file: instead of the one in the platform's configuration directory.

    Raises:
        ConfigError: an unknown name, a wrong type, a broken file, or a workspace file that would widen something.
    """
    config = Config()
    user_file = user_file or _user_file(environ)
    config = _merge(config, _read(user_file), str(user_file), keys_allowed=False)
    if root is not None:
        config = _narrow(config, _read(root / WORKSPACE_FILE), WORKSPACE_FILE)
    config = _merge(config, _from_environment(environ), "environment")
    config = _merge(config, dict(options or {}), "editor")
    config = _narrow(config, dict(narrowed or {}), "the editor's settings of the folder")
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    return fitting(_merge(config, given, "flag"))


def fitting(config: Config) -> Config:
    """The settings with answers that take half of their budget at most: a small budget still has room for a prompt."""
    return replace(
        config,
        answer_tokens=max(1, min(config.answer_tokens, config.ask_budget_tokens // 2)),
        edit_tokens=max(1, min(config.edit_tokens, config.edit_budget_tokens // 2)),
        completion_tokens=max(1, min(config.completion_tokens, config.completion_budget_tokens // 2)),
    )


def _user_file(environ: Mapping[str, str]) -> Path:
    if named := environ.get("KIBITZ_CONFIG"):
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_config_dir("kibitz")) / USER_FILE


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.exists() and not path.is_file():  # a workspace may hold a link to a device that never ends
            raise ConfigError(f"{path} is not a regular file.")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ConfigError(f"{path} is larger than any settings file: {MOST_BYTES // 1000} kB.")
        return tomllib.loads(data.decode("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {name: environ[var] for var, name in _ENVIRONMENT.items() if environ.get(var)}
    for variable, text in environ.items():
        name = variable.removeprefix("KIBITZ_").lower()
        if not variable.startswith("KIBITZ_") or variable == "KIBITZ_CONFIG":
            continue
        if name not in SETTINGS:
            raise _unknown(name, f"{variable} in the environment")
        if not text and SETTINGS[name].type in (bool, int, float, Path):
            continue  # set to nothing is as good as not set
        found[name] = _parse(name, text, variable)
    return found


def _parse(name: str, text: str, where: str) -> Any:
    """Give a text from the environment its setting's type."""
    kind = SETTINGS[name].type
    if kind is bool:
        if text.lower() not in {"1", "0", "true", "false", "yes", "no"}:
            raise ConfigError(f"{where} must be true or false, not {text!r}.")
        return text.lower() in {"1", "true", "yes"}
    if kind is int:
        if not text.isdecimal():
            raise ConfigError(f"{where} must be a number, not {text!r}.")
        return int(text)
    if kind is float:
        try:
            return float(text)
        except ValueError:
            raise ConfigError(f"{where} must be a number, not {text!r}.") from None
    if kind == tuple[str, ...]:
        return [part for part in text.split(",") if part]
    return text


def _unknown(name: str, source: str) -> ConfigError:
    from difflib import get_close_matches

    close = get_close_matches(name, SETTINGS, n=1)
    hint = f"did you mean {close[0]}?" if close else "`kibitz config` lists those there are, once it is gone."
    return ConfigError(f"{source} names an unknown setting: {name}; {hint}")


def _merge(config: Config, raw: Mapping[str, Any], source: str, *, keys_allowed: bool = True) -> Config:
    changes: dict[str, Any] = {}
    for name, value in raw.items():
        if name not in SETTINGS:
            raise _unknown(name, source)
        if SETTINGS[name].metadata["secret"] and not keys_allowed:
            raise ConfigError(f"{source} holds {name}: keys come from the environment or the editor's secret store.")
        changes[name] = _typed(name, value, source)
    sources = {**config.sources, **dict.fromkeys(changes, source)}
    return replace(config, **changes, sources=sources)


def _typed(name: str, value: Any, source: str) -> Any:
    """Give a value from a file or the editor its setting's type."""
    kind = SETTINGS[name].type
    wanted, make = _TYPES[kind]
    if isinstance(value, (Path, tuple)) and kind in (Path, tuple[str, ...]):
        return value
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        shown = "" if SETTINGS[name].metadata["secret"] else f", not {value!r}"
        raise ConfigError(f"{name} in {source} must be {_spoken(wanted)}{shown}.")
    if wanted is int and value <= 0:
        raise ConfigError(f"{name} in {source} must be above 0, not {value}.")
    if kind is float and not 0 <= value < math.inf:
        raise ConfigError(f"{name} in {source} must be 0 or above, not {value}.")
    if kind is Path:
        return _folder(name, value, source)
    if wanted is list and not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{name} in {source} must be a list of strings.")
    return make(value)


def _folder(name: str, text: str, source: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:
        raise ConfigError(f"{name} in {source} names the home of a user that this machine does not have.") from None


# A setting's type: what a file must hold, and what we make of it.
_TYPES: dict[Any, tuple[Any, Callable[[Any], Any]]] = {
    bool: (bool, bool),
    int: (int, int),
    float: ((int, float), float),
    str: (str, str),
    Secret: (str, Secret),
    Path: (str, Path),
    tuple[str, ...]: (list, tuple),
}


def _spoken(kind: Any) -> str:
    spoken = {
        bool: "true or false",
        int: "a number",
        (int, float): "a number",
        str: "a string",
        list: "a list of strings",
    }
    return spoken[kind]


def _narrow(config: Config, raw: Mapping[str, Any], source: str) -> Config:
    """Apply a workspace's own file: patterns are added, numbers only lowered, anything else refused."""
    changes: dict[str, Any] = {}
    for name, value in raw.items():
        if name not in SETTINGS:
            raise _unknown(name, source)
        if not SETTINGS[name].metadata["narrows"]:
            raise ConfigError(f"{source} may only narrow, so it cannot set {name}; set it in your own kibitz.toml.")
        typed, now = _typed(name, value, source), getattr(config, name)
        changes[name] = (*now, *typed) if isinstance(now, tuple) else min(now, typed)
    return replace(config, **changes, sources={**config.sources, **dict.fromkeys(changes, source)})
