"""Models that answer from a script and remember what they were asked."""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass

from kibitz.server.errors import ModelError
from kibitz.server.llm.ports import ChatMessage, Delta

PIECE_CHARS = 3  # small enough to cut words, markers and line ends in two


@dataclass(frozen=True)
class Asked:
    """One request as the model saw it."""

    messages: tuple[ChatMessage, ...] = ()
    prompt: str = ""
    max_tokens: int = 0
    stop: tuple[str, ...] = ()


Answer = str | Sequence[str] | ModelError
"""A text (streamed in small pieces), the pieces themselves, or a failure."""


class _Script:
    def __init__(self, answers: Iterable[Answer], finish_reason: str) -> None:
        self._answers = deque(answers)
        self._finish_reason = finish_reason
        self.asked: list[Asked] = []
        self.sent: list[str] = []
        self.closed = 0

    async def _stream(self, asked: Asked) -> AsyncIterator[Delta]:
        self.asked.append(asked)
        answer = self._answers.popleft()
        try:
            if isinstance(answer, ModelError):
                raise answer
            for piece in _pieces(answer):
                self.sent.append(piece)
                yield Delta(piece)
            yield Delta(finish_reason=self._finish_reason)
        finally:
            self.closed += 1


class ScriptedChat(_Script):
    """A chat model that gives its answers in turn."""

    def __init__(self, *answers: Answer, name: str = "scripted-chat", finish_reason: str = "stop") -> None:
        super().__init__(answers, finish_reason)
        self.name = name

    def chat(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        temperature: float = 0.0,
        frequency_penalty: float = 0.0,
    ) -> AsyncIterator[Delta]:
        return self._stream(Asked(messages=tuple(messages), max_tokens=max_tokens, stop=tuple(stop)))


class ScriptedCompleter(_Script):
    """A completer that gives its answers in turn."""

    def __init__(self, *answers: Answer, name: str = "scripted-completer", finish_reason: str = "stop") -> None:
        super().__init__(answers, finish_reason)
        self.name = name

    def complete(
        self, prompt: str, *, max_tokens: int, stop: Sequence[str] = (), temperature: float = 0.0
    ) -> AsyncIterator[Delta]:
        return self._stream(Asked(prompt=prompt, max_tokens=max_tokens, stop=tuple(stop)))


def _pieces(answer: str | Sequence[str]) -> Iterator[str]:
    if not isinstance(answer, str):
        yield from answer
        return
    for start in range(0, len(answer), PIECE_CHARS):
        yield answer[start : start + PIECE_CHARS]
