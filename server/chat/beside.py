"""What an editor has beside a question: what is selected, what is open, what it complains of, what was said before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kibitz.prompts.templates.context import ContextItem, Turn
    from kibitz.server.chat.question import Question


@dataclass(frozen=True, slots=True)
class Problem:
    """An error or a warning that the editor shows; `line` is 1-based."""

    path: str
    line: int
    severity: str
    message: str


@dataclass(frozen=True, slots=True)
class Beside:
    """All of it. `documents` are the open ones of the workspace by their paths, the one in front first."""

    attached: "Sequence[ContextItem]" = ()
    selection: "ContextItem | None" = None
    documents: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    history: "Sequence[Turn]" = ()


@dataclass(frozen=True, slots=True)
class Composed:
    """A question with what it mentions.

    `notes` say what could not be had, `suggests` what can be done with the answer. With `plain` the answer is a text to
    be taken as it is.
    """

    question: "Question"
    notes: tuple[str, ...] = ()
    suggests: str = ""
    plain: bool = False
