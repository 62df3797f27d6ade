"""Going on with an answer that was cut, stopped, or failed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kibitz.server.errors import KibitzError

if TYPE_CHECKING:
    from kibitz.prompts.templates.context import Turn

GO_ON = "Your answer was cut off. Go on exactly where it ended; repeat nothing of it and add no preface."


class FinishedError(KibitzError):
    """There is no answer to go on with."""


def last_answer(history: "Sequence[Turn]", *, finished: bool) -> str:
    """Return the answer that can be gone on with.

    Raises:
        FinishedError: there is none, or it is whole.
    """
    if finished or not history or history[-1].role != "assistant" or not history[-1].text:
        raise FinishedError("The last answer is finished: ask something.")
    return history[-1].text
