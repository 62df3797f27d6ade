"""Reading and writing files with care: a reader is not led astray, and sees a file whole or not at all."""

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from kibitz.indexer.errors import DiskFullError

_CAREFULLY = os.O_RDONLY
_ONE_READ = 1 << 30  # a system may give less than was asked for of more than this
for _flag in ("O_NONBLOCK", "O_NOFOLLOW", "O_BINARY"):
    _CAREFULLY |= getattr(os, _flag, 0)


def read_regular(file: Path | str, max_bytes: int | None = None) -> bytes:
    """The bytes of a regular file: neither of a link that took its place, nor of a pipe, which would make us wait.

    Raises:
        OSError: there is none that can be read; with EFBIG when it has more than `max_bytes`.
    """
    return read_with_status(file, max_bytes)[0]


def read_with_status(file: Path | str, max_bytes: int | None = None) -> tuple[bytes, os.stat_result]:
    """The same, and what the system said of the file before it was read.

    Raises:
        OSError: as `read_regular`.
    """
    handle = os.open(file, _CAREFULLY)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(file))
        if max_bytes is not None and status.st_size > max_bytes:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(file))
        first = os.read(handle, status.st_size + 1)  # one more, so that it sees the end
        if len(first) <= status.st_size < _ONE_READ:
            return first, status
        pieces = [first]
        while piece := os.read(handle, status.st_size + 1):
            pieces.append(piece)
        return b"".join(pieces), status
    finally:
        os.close(handle)


def read_inside(root: Path, path: str, max_bytes: int | None = None) -> bytes:
    """The bytes of a workspace's regular file, which no link on the way leads out of the workspace.

    `path` is relative, with "/"; an index may name a file of a folder that has become a link since.

    Raises:
        OSError: as `read_regular`; with ELOOP when one of the folders is a link by now.
    """
    check_inside(root, path)
    return read_regular(f"{root}/{path}", max_bytes)


def read_part(file: str, start: int, end: int) -> tuple[bytes, os.stat_result]:
    """Some bytes of a file, and what the system says of it; the file may not be a regular one.

    Raises:
        OSError: there is none that can be read.
    """
    handle = os.open(file, _CAREFULLY)
    try:
        status = os.fstat(handle)
        os.lseek(handle, start, os.SEEK_SET)
        return os.read(handle, end - start), status
    finally:
        os.close(handle)


def check_inside(root: Path | str, path: str, known: set[str] | None = None) -> None:
    """See that no link on the way to a workspace's file leads out of the workspace.

    `known` are folders that were found to be none a moment ago; it learns of others.

    Raises:
        OSError: a folder is gone; with ELOOP when one is a link by now.
    """
    known = set() if known is None else known
    passed: list[str] = []
    folder = path.rpartition("/")[0]
    while folder and folder not in known:
        if stat.S_ISLNK(os.lstat(f"{root}/{folder}").st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        passed.append(folder)
        folder = folder.rpartition("/")[0]
    known.update(passed)  # when those around them have passed too


@contextlib.contextmanager
def room() -> Iterator[None]:
    """Say that the disk is full when that is why something could not be written.

    Raises:
        DiskFullError: there is no room for it.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
            raise DiskFullError from error
        raise


@contextlib.contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Write a file beside its place and rename it there when all went well: nobody ever sees a part of it.

    Raises:
        DiskFullError: there is no room for it.
    """
    with room():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=path.name + ".", suffix=".tmp", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                yield stream
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
