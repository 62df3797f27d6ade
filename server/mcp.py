"""The Model Context Protocol (https://modelcontextprotocol.io): the search of a workspace as tools, over stdio.

The only place that speaks to its SDK, which is imported here and nowhere else; server/tools.py has the answers.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import mcp.types as protocol
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kibitz.indexer.errors import NotIndexedError
from kibitz.server import __version__, tools
from kibitz.server.errors import USER_ERRORS
from kibitz.server.following import keep_indexed

if TYPE_CHECKING:
    from kibitz.server.app import App

logger = logging.getLogger(__name__)

INSTRUCTIONS = (
    "Searches one workspace, on this machine. Ask `search` for behaviour in words, `regex` for exact text, "
    "`definition` and `references` for names, `outline` for one file, `repository_map` for all of them, and read what "
    "they name with `read_lines`. Paths are relative to the workspace; lines begin at 1, both ends included. Each "
    "answer says how near it is to the files as they are now."
)
MOST_SENTENCE_CHARS = 500  # an error may repeat what was asked
_STILL = "The first index round is under way: ask again in a moment, or use search, which reads the files meanwhile."

Folder = Annotated[str, Field(description="Only below this folder, or in this file, of the workspace: 'src/http'.")]
Languages = Annotated[list[str], Field(max_length=50, description="Only code in these: 'python', 'ts'.")]
Globs = Annotated[
    list[str], Field(max_length=50, description="Only paths like these: '*.py', 'src/**'; '!tests/**' takes out.")
]


class Arguments(BaseModel):
    """What a tool takes: these names and no others."""

    model_config = ConfigDict(extra="forbid")


class Search(Arguments):
    """A question."""

    query: Annotated[str, Field(description="A question, a behaviour in words, or a name.")]
    k: Annotated[int, Field(ge=1, le=50, description="How many places.")] = 8
    path: Folder = ""
    languages: Languages = []
    globs: Globs = []
    kinds: Annotated[
        list[str],
        Field(max_length=10, description="Only these: function, method, class, type, module, section, text."),
    ] = []


class Regex(Arguments):
    """A regular expression."""

    pattern: Annotated[str, Field(description="A regular expression, matched within a line.")]
    k: Annotated[int, Field(ge=1, le=500, description="How many lines.")] = 50
    path: Folder = ""
    languages: Languages = []
    globs: Globs = []
    ignore_case: Annotated[bool, Field(description="Letters match in either case.")] = False
    fixed: Annotated[bool, Field(description="The pattern is a text to be found as it is.")] = False
    word: Annotated[bool, Field(description="Only whole words.")] = False


class Definition(Arguments):
    """A name."""

    name: Annotated[str, Field(min_length=1, max_length=500, description="'close', or narrower 'Session.close'.")]
    path: Folder = ""
    k: Annotated[int, Field(ge=1, le=100, description="How many places.")] = 20


class References(Arguments):
    """A name, and who uses it."""

    name: Annotated[str, Field(min_length=1, max_length=500, description="'close', or narrower 'Session.close'.")]
    path: Folder = ""
    k: Annotated[int, Field(ge=1, le=300, description="How many places.")] = 50
    callers: Annotated[bool, Field(description="The definitions that call it, each once, instead of every line.")] = (
        False
    )


class Outline(Arguments):
    """A file."""

    path: Annotated[str, Field(description="A file of the workspace: 'src/app.py'.")]


class RepositoryMap(Arguments):
    """What the map is for."""

    about: Annotated[
        list[str],
        Field(max_length=50, description="Names and paths that the task is about; the map is near them."),
    ] = []
    lines: Annotated[int, Field(ge=10, le=500, description="How many lines.")] = 150


class ReadLines(Arguments):
    """Lines of a file."""

    path: Annotated[str, Field(description="A file of the workspace: 'src/app.py'.")]
    start_line: Annotated[int, Field(ge=1, description="The first line.")] = 1
    end_line: Annotated[int | None, Field(ge=1, description="The last line; 400 lines at most are shown.")] = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: what an agent is told of it, what it takes, and what answers."""

    name: str
    description: str
    arguments: type[Arguments]
    answer: Callable[..., str | Awaitable[str]]


TOOLS = (
    Tool("search", "Find the code that a question, a behaviour or a name is about, best first.", Search, tools.search),
    Tool("regex", "Find the lines that match a regular expression, in the order of paths.", Regex, tools.regex),
    Tool("definition", "Find where a name is defined, in any language.", Definition, tools.definition),
    Tool("references", "Find where a name is used, or who calls it.", References, tools.references),
    Tool("outline", "List the definitions of a file, with their lines.", Outline, tools.outline),
    Tool(
        "repository_map",
        "Show the files that the workspace leans on most, with their strongest definitions.",
        RepositoryMap,
        tools.repository_map,
    ),
    Tool("read_lines", "Read lines of a file as it is now.", ReadLines, tools.read_lines),
)
_BY_NAME = {tool.name: tool for tool in TOOLS}


def build_server(app: "App") -> Server[Any]:
    """The server of a workspace, which reads it and changes nothing."""

    async def list_tools(_: Any, __: Any) -> protocol.ListToolsResult:
        return protocol.ListToolsResult(tools=[_described(tool) for tool in TOOLS])

    async def call_tool(_: Any, params: protocol.CallToolRequestParams) -> protocol.CallToolResult:
        text, is_error = await answer(app, params.name, params.arguments or {})
        content = [protocol.TextContent(type="text", text=text.encode("utf-8", "replace").decode())]
        return protocol.CallToolResult(content=content, is_error=is_error)  # type: ignore[arg-type]

    server: Server[Any] = Server(
        "kibitz",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    server.middleware.clear()  # the SDK's own traces of every call
    return server


async def answer(app: "App", name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
    """A tool's answer, or one sentence and True when it has none."""
    tool = _BY_NAME.get(name)
    if tool is None:
        return f"There is no tool {name[:80]!r}: there are {', '.join(_BY_NAME)}.", True
    try:
        given = tool.arguments.model_validate(arguments)
        text = await asyncio.to_thread(partial(tool.answer, app, **dict(given)))
        return (text if isinstance(text, str) else await text), False
    except ValidationError as error:
        return _sentence(error), True
    except NotIndexedError as error:
        return _STILL if app.freshness().indexing else str(error), True
    except USER_ERRORS as error:
        return str(error)[:MOST_SENTENCE_CHARS], True
    except Exception:
        logger.exception("The tool %s failed unexpectedly.", name)
        return "Kibitz failed unexpectedly; its log on standard error has the details.", True


def run(app: "App") -> None:
    """Serve the client at standard input and output until it leaves; the index follows the workspace meanwhile."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="kibitz: %(levelname)s: %(message)s")
    asyncio.run(_serve(app))


async def _serve(app: "App") -> None:
    server = build_server(app)
    following = asyncio.create_task(keep_indexed(app, logger.warning))
    leaving: list[asyncio.Task[None]] = []

    async def leave(code: int) -> None:
        """End at once: the thread that waits for input cannot be called off."""
        await _close(app, following)
        os._exit(code)

    def on_signal(code: int) -> None:
        leaving.append(asyncio.create_task(leave(code)))

    for sign, code in ((signal.SIGTERM, 0), (signal.SIGINT, 130)):
        with contextlib.suppress(NotImplementedError):  # Windows ends a process without asking it
            asyncio.get_running_loop().add_signal_handler(sign, on_signal, code)
    try:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())
    finally:
        await _close(app, following)


async def _close(app: "App", following: "asyncio.Task[None]") -> None:
    """Stop the round under way, which ends its process, and free what the app holds."""
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await app.close()


def _described(tool: Tool) -> protocol.Tool:
    schema = tool.arguments.model_json_schema()
    for part in (schema, *schema["properties"].values()):
        part.pop("title", None)
    schema.pop("description", None)
    hints = protocol.ToolAnnotations(read_only_hint=True, open_world_hint=False)
    return protocol.Tool(name=tool.name, description=tool.description, input_schema=schema, annotations=hints)


def _sentence(error: ValidationError) -> str:
    """Which argument is wrong and why, without its value."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"])) or "arguments"
    return f"{place}: {first['msg']}."
