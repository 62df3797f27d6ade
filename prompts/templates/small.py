"""Prompts for models of a few hundred million parameters.

Such a model copies a form better than it follows a rule: an example shows the form, the best excerpt stands next to the
question, and the answer is begun for it. On the embedded model of 135 million parameters that names the right place in
the code where instructions alone never do; what it then says of the code may still be wrong.
"""

from collections.abc import Sequence

from kibitz.prompts.nodes import Node, assistant, fragment, reserve, scope, system, user
from kibitz.prompts.templates.context import ContextItem
from kibitz.prompts.templates.quoting import extension, fence_for, heading, quiet

ASK_STOP = ("\n\n", "```")
"""One paragraph is as far as such a model gets before it repeats itself."""

ASK_PENALTY = 0.4
"""The frequency penalty that ends loops and leaves paths alone, found by trying."""

_SYSTEM = "You answer questions about code. Name the place in the code, then explain it."
_EXAMPLE = (
    "`util/text.py:3-5`:\n```python\ndef slug(title):\n    return re.sub('[^a-z]+', '-', title.lower())\n```\n\n"
    "Question: How are slugs made?"
)
_EXAMPLE_ANSWER = (
    "According to `util/text.py:3-5`, `slug` lowers the title and replaces everything but letters by dashes."
)
_BEGINNING = "According to `"
_EXCERPTS = 600.0
_HEAD_LINES = 24


def small_ask_tree(question: str, items: Sequence[ContextItem], *, reserve_tokens: int) -> Node:
    """Make the chat that answers a question from excerpts (`items`, best first; shown best last).

    It ends with the beginning of the answer, for engines that continue a last message of the assistant.
    """
    shown = [_excerpt(item.head(_HEAD_LINES) or item, rank) for rank, item in enumerate(items)]
    return fragment(
        system(_SYSTEM),
        user(_EXAMPLE),
        assistant(_EXAMPLE_ANSWER),
        user(shown[::-1], scope(f"Question: {quiet(question.strip())}", name="question")),
        assistant(_BEGINNING) if items else None,
        reserve(reserve_tokens),
    )


def small_edit_tree(instruction: str, *, path: str, language: str, target: str, reserve_tokens: int) -> Node:
    """Make the chat that rewrites a few lines; the answer is one fenced block with all of them."""
    fence = fence_for([target, instruction])
    end = "" if target.endswith("\n") else "\n"
    quoted = f"{fence}{language or extension(path)}\n{target}{end}{fence}"
    return fragment(
        system("You edit code. Answer with the whole rewritten code in one fenced block, nothing else."),
        user(scope(f"{quiet(instruction.strip())}\n", name="instruction"), scope(quoted, name="target", origin=path)),
        reserve(reserve_tokens),
    )


def _excerpt(item: ContextItem, rank: int) -> Node:
    text = quiet(item.text)
    fence = fence_for([text])
    end = "" if text.endswith("\n") else "\n"
    quoted = f"`{heading(item.place)}`:\n{fence}{extension(item.path)}\n{text}{end}{fence}\n\n"
    return scope(quoted, p=_EXCERPTS - rank / 10, name=item.label, origin=item.origin or item.place)
