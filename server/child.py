"""An index round in a child process, which gives way to whoever is typing."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kibitz.indexer.errors import IndexerError
from kibitz.server.config import Config

if TYPE_CHECKING:
    from kibitz.indexer.index import Progress, Report

REPORT_BYTES = 1 << 24  # of an index round on one line: it counts every ignore file by name


async def index_in_child(
    root: Path, environ: Mapping[str, str], on_progress: "Callable[[Progress], None]", *, rebuild: bool = False
) -> "Report":
    """Bring the index of a workspace up to date, or `rebuild` it, in a process that may use memory and be killed.

    Cancelling this ends the child.

    Raises:
        IndexerError: the child's own sentence.
    """
    from kibitz.indexer.index import Progress, Report

    child = await asyncio.create_subprocess_exec(
        # -P: the folder it is started in, often the workspace, must not be where Python looks for modules. -I: what
        # started this process without the user's own modules starts no other with them.
        *(sys.executable, "-I" if sys.flags.isolated else "-P", "-m", "kibitz.server", "index", str(root), "--json"),
        *(("--rebuild",) if rebuild else ()),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=REPORT_BYTES,
        env=dict(environ),
    )
    assert child.stdout is not None
    assert child.stderr is not None
    _give_way(child.pid)
    stderr = asyncio.create_task(child.stderr.read())
    report: Report | None = None
    try:
        async for line in child.stdout:
            event = json.loads(line)
            if event.pop("event") == "progress":
                on_progress(Progress(**event))
            else:
                report = Report(**event)
        await child.wait()
    finally:
        if child.returncode is None:
            child.terminate()
            await child.wait()
        said = (await stderr).decode(errors="replace").strip()
    if report is None:
        raise IndexerError(said.removeprefix("kibitz: ").splitlines()[-1] if said else "Indexing was stopped.")
    return report


def _give_way(pid: int) -> None:
    """Let an indexing process have only what of the processor nobody else wants: somebody is typing."""
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):  # It has ended already.
            os.setpriority(os.PRIO_PROCESS, pid, 10)


def as_environment(config: Config) -> dict[str, str]:
    """The settings that an indexing child needs, whatever layer they came from.

    An empty text is passed too: it stands against what the environment or the user's file says.
    """
    return {
        "KIBITZ_CACHE_DIR": str(config.cache_dir),
        "KIBITZ_MAX_FILE_BYTES": str(config.max_file_bytes),
        "KIBITZ_WORKERS": str(config.workers),
        "KIBITZ_IGNORE": ",".join(config.ignore),
        "KIBITZ_EMBEDDING_MODEL": config.embedding_model,
        "KIBITZ_BASE_URL": config.base_url,
        "KIBITZ_API_KEY": str(config.api_key),
        "KIBITZ_EMBEDDING_URL": config.embedding_url,
        "KIBITZ_EMBEDDING_API_KEY": str(config.embedding_api_key),
        "KIBITZ_PROXY": config.proxy,
        "KIBITZ_CA_FILE": config.ca_file,
        "KIBITZ_CONNECT_TIMEOUT_S": str(config.connect_timeout_s),
        "KIBITZ_FIRST_TOKEN_TIMEOUT_S": str(config.first_token_timeout_s),
    }
