"""Slash prompts: `/explain`, `/fix`, `/test`, `/document`, `/review`, `/commit` at the beginning of a question."""

import re
from dataclasses import dataclass

from kibitz.server.chat.mentions import Kind
from kibitz.server.errors import KibitzError

_COMMAND = re.compile(r"/([a-z]+)(?=\s|$)")


class UnknownPromptError(KibitzError):
    """A question begins with a slash and a word that is no prompt."""


@dataclass(frozen=True, slots=True)
class Slash:
    """A prompt by name.

    `defaults` are attached where the question mentions nothing, the first of them that there is. With `with_problems`
    the diagnostics come too. `search` says that the workspace is searched for what is attached. `suggests` names what
    can be done with the answer: "edit" or "". `plain`: it is a text to be taken as it is.
    """

    name: str
    help: str
    words: str
    defaults: tuple[Kind, ...]
    with_problems: bool = False
    search: bool = True
    suggests: str = ""
    plain: bool = False


_CODE: tuple[Kind, ...] = ("selection", "open")
SLASHES = {
    each.name: each
    for each in (
        Slash(
            "explain",
            "explain the selection, or the file in front",
            "Explain what this code does and how it works, and what somebody who changes it has to know.",
            _CODE,
        ),
        Slash(
            "fix",
            "find what is wrong in it, with what the editor complains of",
            "Find what is wrong in this code. Say in a sentence what it is, then show the corrected code.",
            _CODE,
            with_problems=True,
            suggests="edit",
        ),
        Slash(
            "test",
            "write tests for it",
            "Write tests for this code, in the way and with the tools that this workspace tests with. "
            "Cover its edge cases.",
            _CODE,
            suggests="edit",
        ),
        Slash(
            "document",
            "write its documentation comments",
            "Write the documentation comments of this code, in the style of this workspace. Change nothing else.",
            _CODE,
            suggests="edit",
        ),
        Slash(
            "review",
            "review what has changed since the last commit",
            "Review this change. List what is wrong with it, the worst first, each with its place: bugs, cases that "
            "are not handled, risks, tests that are missing. Leave out what is fine and what is a matter of taste.",
            ("diff",),
        ),
        Slash(
            "commit",
            "write the commit message of what is staged, else of what has changed",
            "Write the commit message of this change: one imperative line of at most 72 characters and, only where it "
            "needs reasons, a blank line and a short paragraph. Follow the style of the last subjects. "
            "Answer with the message alone, without quotes or a code block.",
            ("diff",),
            search=False,
            plain=True,
        ),
    )
}


def spelled(text: str) -> str:
    """Return what the user meant to say: a slash prompt in its words."""
    try:
        slash, words = parted(text)
    except UnknownPromptError:
        return text
    return f"{slash.words}\n\n{words}".strip() if slash else text


def parted(text: str) -> tuple[Slash | None, str]:
    """Part a question into its slash prompt, if it begins with one, and the user's own words.

    Raises:
        UnknownPromptError: it begins with a slash and a word that is no prompt.
    """
    found = _COMMAND.match(text.lstrip())
    if found is None:
        return None, text
    if found[1] not in SLASHES:
        known = ", ".join(f"/{name}" for name in SLASHES)
        raise UnknownPromptError(f"There is no prompt /{found[1]}; there are {known}.")
    return SLASHES[found[1]], text.lstrip()[found.end() :].strip()
