"""A session that is being spoken in: what was said before, and what is said now written behind it."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kibitz.server.chat.sessions import Said, Session, Sessions
from kibitz.server.chat.slash import spelled

if TYPE_CHECKING:
    from kibitz.prompts.templates.context import Turn

NEW = "new"
_CUT_SHORT = ("stopped", "failed")


class Keeping:
    """One session, as it was read."""

    def __init__(self, sessions: Sessions, session: Session) -> None:
        self._sessions = sessions
        self._session = session

    @classmethod
    def of(cls, sessions: Sessions, wanted: str) -> "Keeping":
        """Return the session of an id, new under it if there is none, or for "new" under an id of ours. Reads a file.

        Raises:
            SessionError: that is no id.
        """
        return cls(sessions, sessions.begin("" if wanted == NEW else wanted))

    @property
    def id(self) -> str:
        """The session's id."""
        return self._session.id

    @property
    def finished(self) -> bool:
        """Whether the last answer is whole."""
        return self._session.unfinished is None

    @property
    def history(self) -> "list[Turn]":
        """What was said, slash prompts in their words."""
        from kibitz.prompts.templates.context import Turn

        return [
            Turn(turn.role, spelled(turn.text) if turn.role == "user" else turn.text) for turn in self._session.turns
        ]

    async def add(
        self, question: str, answer: str, finish_reason: str, citations: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """Write a question and its answer, with placeholders for secrets; "" goes on with the last answer.

        A question whose answer did not begin is not kept.

        Raises:
            SessionError: they cannot be written.
        """
        if answer or finish_reason not in _CUT_SHORT:
            await asyncio.to_thread(self._write, question, answer, finish_reason, citations)

    def _write(self, question: str, answer: str, finish_reason: str, citations: Sequence[Mapping[str, Any]]) -> None:
        from kibitz.server.boundary import hide

        asked, answered = hide([question, answer]).texts
        now = time.time()
        said = [Said("user", asked, now)] if question else []
        said.append(Said("assistant", answered, now, finish_reason, tuple(citations)))
        self._session = self._sessions.add(self._session, said, joins=not question)
