"""workspace/executeCommand: the same requests, for clients that cannot send custom ones."""

from typing import TYPE_CHECKING, Any

from kibitz.server.lsp import failures, methods
from kibitz.server.lsp.failures import RequestError
from kibitz.server.lsp.handlers.chat import chat
from kibitz.server.lsp.handlers.edit import edit
from kibitz.server.lsp.handlers.index import index
from kibitz.server.lsp.handlers.search import search
from kibitz.server.lsp.handlers.status import status

if TYPE_CHECKING:
    from kibitz.server.lsp.server import KibitzServer


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.command("kibitz.ask")(ask_command)
    ls.command("kibitz.edit")(edit_command)
    ls.command("kibitz.index")(index_command)
    ls.command("kibitz.search")(search_command)
    ls.command("kibitz.status")(status_command)


async def ask_command(ls: "KibitzServer", *arguments: Any) -> dict[str, Any]:
    """Answer a question: its text, or the params of kibitz/chat."""
    return await chat(ls, _params(ls, methods.CHAT, arguments, text_name="question"))


async def edit_command(ls: "KibitzServer", *arguments: Any) -> dict[str, Any]:
    """Edit a document: the params of kibitz/edit."""
    return await edit(ls, _params(ls, methods.EDIT, arguments))


async def index_command(ls: "KibitzServer", *arguments: Any) -> dict[str, Any]:
    """Bring the index up to date."""
    return await index(ls, _params(ls, methods.INDEX, arguments))


async def search_command(ls: "KibitzServer", *arguments: Any) -> dict[str, Any]:
    """Search: the query's text, or the params of kibitz/search."""
    return await search(ls, _params(ls, methods.SEARCH, arguments, text_name="query"))


async def status_command(ls: "KibitzServer", *arguments: Any) -> dict[str, Any]:
    """Tell the state."""
    return await status(ls, _params(ls, methods.STATUS, arguments))


def _params(ls: "KibitzServer", method: str, arguments: tuple[Any, ...], text_name: str | None = None) -> Any:
    if len(arguments) > 1:
        raise RequestError(failures.INVALID_PARAMS, f"The command takes one argument: the params of {method}.")
    argument = arguments[0] if arguments else {}
    if text_name is not None and isinstance(argument, str):
        argument = {text_name: argument}
    return ls.protocol.command_params(method, argument)
