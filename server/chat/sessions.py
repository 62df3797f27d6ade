"""Chat sessions on disk: one file each, in a folder of the user's own, so that they survive a restart.

The text is written as it left: placeholders stand where secrets were. Nothing here can be made again, so a file that is
damaged is put aside, not thrown away.
"""

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from kibitz.server.errors import KibitzError

FOLDER = "chats"
VERSION = 1
MOST_SESSIONS = 200  # of a workspace: those that rested longest go
MOST_TURNS = 400
MOST_BYTES = 4_000_000
TITLE_CHARS = 60
LOCK_WAIT_S = 5.0

_ID = re.compile(r"[0-9a-f]{16}")


class SessionError(KibitzError):
    """There is no such session, or it cannot be kept."""


@dataclass(frozen=True, slots=True)
class Said:
    """One turn. `finish_reason` of an answer is the model's, "stopped" by the user, or "failed"."""

    role: str
    text: str
    at: float = 0.0
    finish_reason: str = ""
    citations: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation; `at` is when it was last spoken in, in seconds since 1970."""

    id: str
    title: str = ""
    at: float = 0.0
    turns: tuple[Said, ...] = field(default=(), repr=False)

    def summary(self) -> dict[str, Any]:
        """Return what a list of sessions shows."""
        return {"id": self.id, "title": self.title, "at": self.at, "turns": len(self.turns)}

    def as_json(self) -> dict[str, Any]:
        """Return all of it."""
        return {"id": self.id, "title": self.title, "at": self.at, "turns": [asdict(turn) for turn in self.turns]}

    @property
    def unfinished(self) -> Said | None:
        """The last answer, if it was cut, stopped, or failed."""
        last = self.turns[-1] if self.turns else None
        return last if last is not None and last.role == "assistant" and last.finish_reason != "stop" else None


class Sessions:
    """The sessions of one workspace. Reads and writes files, so not for the event loop."""

    def __init__(self, data_dir: Path, root: Path) -> None:
        name = hashlib.blake2b(os.fsencode(root.resolve()), digest_size=8).hexdigest()
        self._folder = data_dir / FOLDER / name

    def begin(self, name: str = "") -> Session:
        """Return the session of an id, or a new one under it, or under one of ours; it is written with its first turn.

        Raises:
            SessionError: that is no id.
        """
        found = self._load(self._file(name)) if name else None
        return found or Session(name or os.urandom(8).hex(), at=time.time())

    def all(self) -> list[Session]:
        """Return all sessions, the latest first."""
        with contextlib.suppress(OSError):
            found = [each for file in self._folder.glob("*.json") if (each := self._load(file)) is not None]
            return sorted(found, key=lambda each: -each.at)
        return []

    def get(self, name: str) -> Session:
        """Return a session.

        Raises:
            SessionError: there is none by that id.
        """
        found = self._load(self._file(name))
        if found is None:
            raise SessionError(f"There is no chat session {name}; `kibitz sessions` lists those there are.")
        return found

    def add(self, session: Session, turns: Sequence[Said], *, joins: bool = False) -> Session:
        """Write turns at the end of a session as it is on disk by now, also by somebody else; return it.

        With `joins` the first of them goes on with the last answer.

        Raises:
            SessionError: it cannot be written.
        """
        with self._alone():
            now = self._load(self._file(session.id)) or session
            before = now.turns
            if joins and before and before[-1].role == "assistant":
                first, last = turns[0], before[-1]
                cited = (*last.citations, *first.citations)
                before, turns = before[:-1], (replace(first, text=last.text + first.text, citations=cited), *turns[1:])
            both = (*before, *turns)[-MOST_TURNS:]
            title = now.title or next((_title(turn.text) for turn in both if turn.role == "user"), "")
            return self._write(Session(session.id, title, time.time(), both))

    def rename(self, name: str, title: str) -> Session:
        """Give a session another title.

        Raises:
            SessionError: there is none by that id, or it cannot be written.
        """
        with self._alone():
            return self._write(replace(self.get(name), title=_title(title)))

    def delete(self, name: str) -> None:
        """Remove a session for good.

        Raises:
            SessionError: there is none by that id.
        """
        with self._alone():
            self.get(name)
            self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        if not _ID.fullmatch(name):
            raise SessionError(f"{name[:40]!r} is no chat session; `kibitz sessions` lists those there are.")
        return self._folder / f"{name}.json"

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder against other editors; it is made if it is not there."""
        import filelock

        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with filelock.FileLock(self._folder / "lock", timeout=LOCK_WAIT_S):
                yield
        except filelock.Timeout:
            raise SessionError("Another program keeps the chat sessions locked; try again.") from None
        except OSError as error:
            raise SessionError(f"The chat session cannot be kept: {error.strerror or error}.") from None

    def _write(self, session: Session) -> Session:
        from kibitz.indexer.files import whole

        while len(data := json.dumps({"version": VERSION, **session.as_json()}).encode()) > MOST_BYTES:
            session = replace(session, turns=session.turns[len(session.turns) // 4 + 1 :])
        with whole(self._file(session.id)) as stream:
            stream.write(data)
        for old in self.all()[MOST_SESSIONS:]:
            self._file(old.id).unlink(missing_ok=True)
        return session

    def _load(self, file: Path) -> Session | None:
        """Read a session; one that is damaged is put aside, None where there is none."""
        try:
            with file.open("rb") as stream:
                stored = json.loads(stream.read(MOST_BYTES + 1))
            turns = tuple(_said(turn) for turn in stored["turns"])
            if stored["version"] != VERSION:
                return None  # of a newer program: it stays as it is
            return Session(file.stem, str(stored["title"]), float(stored["at"]), turns)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError):
            with contextlib.suppress(OSError):
                file.replace(file.with_suffix(".damaged"))
            return None


def _said(turn: Mapping[str, Any]) -> Said:
    role = turn["role"]
    if role not in ("user", "assistant"):
        raise ValueError(role)
    return Said(role, str(turn["text"]), float(turn["at"]), str(turn["finish_reason"]), tuple(turn["citations"]))


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE_CHARS else f"{line[:TITLE_CHARS].rstrip()} …"
