"""Reading a document from disk and writing an edit back: whole, in place, or not at all."""

import codecs
import os
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kibitz.server.edit.change import Edit, Replacement
from kibitz.server.edit.lines import content, line_end, split_lines, with_line_end
from kibitz.server.errors import EditError

# Longest first: UTF-32's little-endian mark begins with UTF-16's.
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A file's text and how it is written: `bom + text.encode(encoding)` gives its bytes again."""

    text: str
    encoding: str = "utf-8"
    bom: bytes = b""

    def encode(self, text: str) -> bytes:
        """Write another text the same way.

        Raises:
            UnicodeEncodeError: the encoding lacks a character.
        """
        return self.bom + text.encode(self.encoding)


def decode(data: bytes) -> Encoded:
    """Read bytes as a byte order mark says, else as UTF-8, else as Windows-1252 or Latin-1, like the index does."""
    marked = [(bom, encoding) for bom, encoding in _BOMS if data.startswith(bom)][:1]
    for bom, encoding in (*marked, (b"", "utf-8"), (b"", "cp1252")):
        try:
            return Encoded(data[len(bom) :].decode(encoding), encoding, bom)
        except UnicodeDecodeError:
            continue
    return Encoded(data.decode("latin-1"), "latin-1")


def read_document(root: Path, path: str) -> str:
    """Return the text of a file of the workspace, line ends kept: what a `Target` holds.

    Raises:
        EditError: the path leaves the workspace, or the file cannot be read or is not text.
    """
    text = decode(_read(_inside(root, path), path)).text
    if "\0" in text:
        raise EditError(f"{path} is not a text file.")
    return text


def write_all(root: Path, edits: Sequence[Edit]) -> None:
    """Write edits to their files, all or none.

    Everything is checked and made before the first file is touched. Each file is replaced in one step: a reader, or a
    crash, meets the old file or the new one. Its mode, encoding, byte order mark and line ends stay; lines that an edit
    does not touch keep their very bytes. Should one fail after others went well, what was there before is put back.

    Raises:
        EditError: a path leaves the workspace or is taken, a file has changed since its edit was made, or it cannot be
            written. Every file is as it was then, or the message names those that could not be put back.
    """
    plans = [_plan(root, edit) for edit in edits]
    done: list[_Plan] = []
    try:
        for plan in plans:
            done.append(plan)
            plan.carry_out()
    except EditError as error:
        left = [plan.shown for plan in reversed(done[:-1]) if not plan.take_back()]
        if len(plans) == 1:
            raise
        rest = f"{' and '.join(left)} could not be put back" if left else "every file is as it was"
        raise EditError(f"{str(error).rstrip('.')}; {rest}.") from error


@dataclass(frozen=True, slots=True)
class _Plan:
    """One file to be written: where, what, and what was there; `source` is None for a new one."""

    shown: str
    source: Path | None
    target: Path
    before: bytes
    after: bytes
    mode: int | None

    def carry_out(self) -> None:
        """Write it, if what is there is still what it was made of."""
        if self.source is not None and _read(self.source, self.shown) != self.before:
            raise EditError(_moved_on(self.shown))
        if self.source != self.target and os.path.lexists(self.target):
            raise EditError(f"{self.target.name} has come meanwhile; nothing was written.")
        _replace(self.target, self.after, self.mode, self.shown)
        if self.source is not None and self.source != self.target:
            try:
                self.source.unlink()
            except OSError as error:
                self.target.unlink(missing_ok=True)
                raise EditError(f"{self.shown} cannot be renamed: {error.strerror}.") from error

    def take_back(self) -> bool:
        """Put back what was there; tell whether that went well."""
        try:
            if self.source is not None:
                _replace(self.source, self.before, self.mode, self.shown)
            if self.source != self.target:
                self.target.unlink(missing_ok=True)
        except (EditError, OSError):
            return False
        return True


def _plan(root: Path, edit: Edit) -> _Plan:
    target = _inside(root, edit.new_path or edit.path)
    if (edit.is_new or edit.new_path) and os.path.lexists(target):
        raise EditError(f"{edit.new_path or edit.path} is there already; nothing was written.")
    if edit.is_new:
        return _Plan(edit.path, None, target, b"", edit.new.encode("utf-8"), None)
    source = _inside(root, edit.path)
    data = _read(source, edit.path)
    mode = stat.S_IMODE(source.stat().st_mode)
    if not mode & 0o222:
        raise EditError(f"{edit.path} is read-only; nothing was written.")
    return _Plan(edit.path, source, target, data, _encoded(decode(data), edit), mode)


def _encoded(was: Encoded, edit: Edit) -> bytes:
    try:
        return was.encode(_carry_over(was.text, edit))
    except UnicodeEncodeError as error:
        character = error.object[error.start]
        raise EditError(
            f"{edit.path} is written in {was.encoding}, which has no {character!r}; convert it to UTF-8 first."
        ) from error


def _carry_over(current: str, edit: Edit) -> str:
    """Make the edit's replacements in the text on disk, which may differ from the edit's in line ends alone."""
    if current == edit.old:
        return edit.new
    if with_line_end(current, "\n") != with_line_end(edit.old, "\n"):
        raise EditError(_moved_on(edit.path))
    end = line_end(current)
    plain = Edit(edit.path, with_line_end(edit.old, "\n"), with_line_end(edit.new, "\n"))
    lines = split_lines(current)
    for replacement in reversed(plain.replacements()):
        lines[replacement.span.start : replacement.span.end] = _with_ends(lines, replacement, end)
    return "".join(lines)


def _with_ends(lines: list[str], replacement: Replacement, end: str) -> list[str]:
    """Give new lines the file's line end; a line that only takes another's place keeps that one's end."""
    new = split_lines(replacement.text)
    old = lines[replacement.span.start : replacement.span.end]
    if len(new) != len(old):
        return [with_line_end(line, end) for line in new]
    return [
        content(line) + (before[len(content(before)) :] or end) if line.endswith("\n") else line
        for line, before in zip(new, old, strict=True)
    ]


def _inside(root: Path, path: str) -> Path:
    """Return where a workspace path really lies, links followed.

    Raises:
        EditError: that is outside the workspace.
    """
    top = root.resolve()
    try:
        file = (top / path).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise EditError(f"{path} is not a file's path: {error}.") from error
    if not file.is_relative_to(top) or ".git" in file.relative_to(top).parts[:1]:
        raise EditError(f"{path} lies outside the workspace; Kibitz edits only files inside it.")
    return file


def _read(file: Path, path: str) -> bytes:
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise EditError(f"{path} is not a regular file.")
        return file.read_bytes()
    except FileNotFoundError as error:
        raise EditError(f"{path} does not exist any more; nothing was written.") from error
    except OSError as error:
        raise EditError(f"{path} cannot be read: {error.strerror}.") from error


def _replace(file: Path, data: bytes, mode: int | None, path: str) -> None:
    """Write beside the file, flush to disk, then rename over it."""
    temporary: Path | None = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".kibitz", dir=file.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(default_mode() if mode is None else mode)
        temporary.replace(file)
    except OSError as error:
        raise EditError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def default_mode() -> int:
    """Return the mode of a new file; the mask can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return 0o666 & ~mask


def _moved_on(path: str) -> str:
    return f"{path} has changed since the edit was made; nothing was written. Ask for the edit again."
