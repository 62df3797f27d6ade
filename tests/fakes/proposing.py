"""Proposing an edit of one file, where no file may be made."""

from typing import Any

from kibitz.prompts.render import Rendered
from kibitz.server.edit import propose as proposing
from kibitz.server.edit.change import Edit, Target, Targets
from kibitz.server.errors import EditError
from kibitz.server.llm.ports import ChatModel


async def propose(rendered: Rendered, target: Target, model: ChatModel, **options: Any) -> Edit:
    """The only edit that comes of it."""
    (edit,) = await proposing.propose(rendered, Targets(target), model, check_path=refuse, **options)
    return edit


def refuse(path: str) -> None:
    """Refuse every new file."""
    raise EditError(f"{path} may not be made.")
