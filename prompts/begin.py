"""How a search begins: what stays the same through a rendering, and the tree laid out with what must be shown."""

from kibitz.prompts.chat_template import GENEROUS, OPENAI, ChatTemplate
from kibitz.prompts.errors import TreeError
from kibitz.prompts.layout import lay_out
from kibitz.prompts.solve import Job, Mode, Search
from kibitz.prompts.tokens import Tokenizer
from kibitz.prompts.tree import Node


def job_of(tokenizer: Tokenizer, template: ChatTemplate | None, mode: Mode) -> Job:
    """Settle what stays the same through a rendering.

    Raises:
        TreeError: there is no such mode.
    """
    if mode not in ("strict", "pack", "value"):
        raise TreeError(f'render: mode is "strict", "pack" or "value", not {mode!r}')
    return Job(tokenizer, template or (OPENAI if tokenizer.exact else GENEROUS), mode)


def begin(tree: Node, budget: int, job: Job) -> Search:
    """Lay a tree out and show what must be shown.

    Raises:
        TreeError: it is no tree of a prompt.
    """
    if not isinstance(tree, Node):
        raise TreeError(f"render takes a tree, not {type(tree).__name__}")
    chat = tree.content == "messages"
    opening = job.template.start + job.template.reply_tokens if chat else 0
    return Search(lay_out(tree, chat=chat), job, budget, opening=opening)
