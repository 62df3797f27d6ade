"""Filling in the middle by a server's own route, for models whose format is not known: found out once, and remembered.

llama.cpp has `/infill` and refuses it for a model that cannot. Others take `suffix` with `/v1/completions`, and some of
them (llama.cpp among these) silently leave it out: so they are asked with two different suffixes, and their answers are
compared.
"""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kibitz.prompts.templates.families import FimFamily
from kibitz.server.llm.forms import INFILL, SEPARATOR, SUFFIX, Form, infill_url

if TYPE_CHECKING:
    import openai

    from kibitz.server.llm.endpoint import Endpoint
    from kibitz.server.llm.line import Line

Route = Literal["infill", "suffix", "none"]

FORMS: dict[Route, Form] = {"infill": INFILL, "suffix": SUFFIX}
NATIVE = FimFamily("native", prefix="", suffix=SEPARATOR, middle="", stop=())
"""A prompt that `forms` takes apart again, for a server that puts it together itself."""

PROBE_PREFIX = 'colour = "'
_PROBE_SUFFIX = '"\nassert colour == "{}"\n'
_PROBES = ("violet", "violet", "orange")  # the same twice: a server that answers at random heeds nothing
_PROBE_TOKENS = 8
_REFUSALS = (400, 404, 405, 422, 501)  # other errors say nothing of what the server can do
_PROBE_TIMEOUT_S = 30.0

FILE = "fim.json"
VERSION = 1
MOST_BYTES = 100_000
MOST_ROUTES = 100


async def native_form(endpoint: "Endpoint", model: str, line: "Line", cache_dir: Path) -> Form | None:
    """The form in which a model fills in the middle; None for a model that does not, or where nobody answers."""
    file, name = cache_dir / FILE, f"{endpoint.shown} {model}"
    route = (await asyncio.to_thread(_load, file)).get(name)
    if route is None:
        route = await _found_out(endpoint, model, line)
        if route is None:
            return None
        await asyncio.to_thread(_save, file, name, route)
    return FORMS.get(route)


async def _found_out(endpoint: "Endpoint", model: str, line: "Line") -> Route | None:
    """Ask; None when the answers say nothing, since something is wrong. No text of the workspace is sent."""
    from kibitz.server.llm.lazy_client import LazyClient
    from kibitz.server.llm.turns import Urgency

    session = LazyClient(endpoint)
    client = await session.client()
    from kibitz.server.llm.failures import CAUGHT

    try:
        async with line.turns.turn(line.turns.ticket(Urgency.COMPLETION)), asyncio.timeout(_PROBE_TIMEOUT_S):
            if endpoint.kind == "llama.cpp" and await _takes_infill(client):
                return "infill"
            return "suffix" if await _heeds_suffix(client, model) else "none"
    except (*CAUGHT, TimeoutError):
        return None
    finally:
        await session.close()


async def _takes_infill(client: "openai.AsyncOpenAI") -> bool:
    import openai

    body = {"input_prefix": PROBE_PREFIX, "input_suffix": _PROBE_SUFFIX.format("violet"), "n_predict": 1}
    try:
        answer = await client.post(infill_url(client), cast_to=object, body=body)
    except openai.APIStatusError as error:
        if error.status_code not in _REFUSALS:
            raise
        return False
    return isinstance(answer, dict) and isinstance(answer.get("content"), str)


async def _heeds_suffix(client: "openai.AsyncOpenAI", model: str) -> bool:
    import openai

    answers = []
    try:
        for word in _PROBES:
            answer = await client.completions.create(
                model=model,
                prompt=PROBE_PREFIX,
                suffix=_PROBE_SUFFIX.format(word),
                max_tokens=_PROBE_TOKENS,
                temperature=0,
            )
            answers.append(answer.choices[0].text if answer.choices else "")
    except openai.APIStatusError as error:
        if error.status_code not in _REFUSALS:
            raise
        return False
    first, again, other = answers
    return first == again != other


def _load(file: Path) -> dict[str, Route]:
    """What is remembered, in the order in which it was found; what is damaged is left out."""
    try:
        with file.open("rb") as stream:
            stored = json.loads(stream.read(MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    routes = stored.get("routes") if isinstance(stored, dict) and stored.get("version") == VERSION else None
    if not isinstance(routes, dict):
        return {}
    return {name: route for name, route in routes.items() if route in ("infill", "suffix", "none")}


def _save(file: Path, name: str, route: Route) -> None:
    from kibitz.indexer.errors import DiskFullError
    from kibitz.indexer.files import whole

    routes = {**_load(file), name: route}
    kept = {each: routes[each] for each in list(routes)[-MOST_ROUTES:]}
    with contextlib.suppress(OSError, DiskFullError), whole(file) as stream:
        stream.write(json.dumps({"version": VERSION, "routes": kept}).encode())
