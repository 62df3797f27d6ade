"""Secrets stay here: placeholders take their place in a prompt before it leaves, and give way to them in the answer.

Pure but for the salt: the same secret has the same placeholder in every prompt of a process, so that a server's prefix
cache still hits, and `restored` undoes `hide` whatever pieces an answer comes in.
"""

import hashlib
import itertools
import re
import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from kibitz.indexer.secrets import secret_spans
from kibitz.server.errors import ModelError
from kibitz.server.llm.ports import Delta

PASSES = 4  # what stood around a secret may come close enough to be another one

_SALT = secrets.token_bytes(16)
"""Of this process: nobody who gets a prompt can compare its placeholders with keys that have leaked elsewhere."""

_HEAD = "SECRET_"  # "S" is in no other place of a placeholder, so that two of them never overlap
_DIGITS = 9  # of which tokenizers make three to nine tokens: fewer than any secret has, so that budgets still hold


@dataclass(frozen=True, slots=True)
class Hidden:
    """Texts that may leave, and the secret behind each placeholder in them."""

    texts: tuple[str, ...]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


def hide(texts: Sequence[str]) -> Hidden:
    """Put placeholders in the place of keys, tokens and other credentials; texts without any stay as they are."""
    given = tuple(texts)
    known: dict[str, str] = {}
    return Hidden(tuple(_hidden(text, given, known) for text in given), known)


class Restorer:
    """Puts secrets back into a text that comes in pieces: what may begin a placeholder is held back."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known
        self._held = ""

    def feed(self, piece: str) -> str:
        """Take a piece, and give what can be given by now."""
        if not self._known:
            return piece
        text = self._held + piece
        at = text.rfind(_HEAD[0])
        begun = at >= 0 and any(len(name) > len(text) - at and name.startswith(text[at:]) for name in self._known)
        end = at if begun else len(text)
        self._held = text[end:]
        return _restored(text[:end], self._known)

    def rest(self) -> str:
        """Give what is still held back, at the end."""
        held, self._held = self._held, ""
        return held


async def restored(deltas: AsyncGenerator[Delta, None], known: Mapping[str, str]) -> AsyncGenerator[Delta, None]:
    """Put the secrets back into a streamed answer; closing this closes it.

    Raises:
        ModelError: the answer's own; what came before it has been given.
    """
    restorer = Restorer(known)
    async with aclosing(deltas):
        try:
            async for delta in deltas:
                text = restorer.feed(delta.text)
                if delta.finish_reason:
                    text += restorer.rest()
                if text:
                    yield Delta(text)
                if delta.finish_reason:
                    yield Delta(finish_reason=delta.finish_reason)
        except ModelError:
            if rest := restorer.rest():
                yield Delta(rest)
            raise
    if rest := restorer.rest():
        yield Delta(rest)


def _hidden(text: str, given: Sequence[str], known: dict[str, str]) -> str:
    for _ in range(PASSES):
        spans = _whole(secret_spans(text), text, known)
        if not spans:
            break
        pieces, at = [], 0
        for start, end in spans:
            pieces += [text[at:start], _placeholder(_restored(text[start:end], known), given, known)]
            at = end
        text = "".join([*pieces, text[at:]])
    return text


def _whole(spans: Sequence[tuple[int, int]], text: str, known: Mapping[str, str]) -> list[tuple[int, int]]:
    """Widen spans to the placeholders that they cut, and make one of those that then touch."""
    names = [found.span() for found in _any_of(known).finditer(text)] if known and spans else []
    apart: list[tuple[int, int]] = []
    for span in spans:
        touched = [span, *(name for name in names if name[0] < span[1] and span[0] < name[1])]
        if apart and min(touched)[0] < apart[-1][1]:
            touched.append(apart.pop())
        apart.append((min(touched)[0], max(end for _, end in touched)))
    return apart


def _any_of(known: Mapping[str, str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, known)))


def _placeholder(secret: str, given: Sequence[str], known: dict[str, str]) -> str:
    """The name of a secret: another one where the texts hold that name already, or another secret has it."""
    for attempt in itertools.count():
        coded = f"{attempt}:{secret}".encode("utf-8", "surrogatepass")
        number = int.from_bytes(hashlib.blake2b(coded, key=_SALT, digest_size=8).digest())
        name = f"{_HEAD}{number % 10**_DIGITS:0{_DIGITS}}"
        if known.get(name, secret) == secret and not any(name in text for text in given):
            known[name] = secret
            return name
    raise AssertionError("unreachable")


def _restored(text: str, known: Mapping[str, str]) -> str:
    if not known or _HEAD not in text:
        return text
    return _any_of(known).sub(lambda found: known[found[0]], text)
