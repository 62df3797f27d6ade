"""Writing a pack to a file, whole or not at all."""

import stat
from pathlib import Path

from kibitz.indexer.errors import DiskFullError
from kibitz.indexer.files import whole
from kibitz.server.edit.files import default_mode
from kibitz.server.errors import KibitzError


def write(out: Path, text: str) -> None:
    """Put a text in a file's place; what is no regular file (a device, a pipe) is written to as it is.

    Raises:
        KibitzError: the disk is full.
        OSError: it cannot be written.
    """
    data = text.encode("utf-8", "backslashreplace")
    out = out.resolve()
    if out.exists() and not out.is_file():
        out.write_bytes(data)
        return
    mode = stat.S_IMODE(out.stat().st_mode) if out.exists() else default_mode()
    try:
        with whole(out) as file:
            file.write(data)
    except DiskFullError as error:
        raise KibitzError(f"The disk is full: {out} could not be written.") from error
    out.chmod(mode)
