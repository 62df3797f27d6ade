"""How long a prompt a model takes, as far as its server says: there is no standard field, each has its own."""

from typing import Any

FIELDS = ("max_model_len", "context_length", "max_context_length", "context_window")
"""Of an entry in `/v1/models`: vLLM and SGLang; OpenRouter and Together; Mistral; Groq."""


def in_listing(listing: Any) -> dict[str, int]:
    """Read the contexts, in tokens, out of an answer of `/v1/models`; models that it says nothing of are left out."""
    data = listing.get("data") if isinstance(listing, dict) else None
    entries = [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []
    return {str(each.get("id")): size for each in entries for size in [_first(each)] if size}


def in_props(props: Any) -> int:
    """Read the context of one request out of an answer of llama.cpp's `/props`; 0 where it does not say."""
    settings = props.get("default_generation_settings") if isinstance(props, dict) else None
    return _tokens(settings.get("n_ctx")) if isinstance(settings, dict) else 0


def _first(entry: dict[str, Any]) -> int:
    return next((size for name in FIELDS if (size := _tokens(entry.get(name)))), 0)


def _tokens(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
