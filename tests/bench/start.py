"""What a language server costs until `initialize` is answered, beside an empty server of the library and Python alone.

Each is started by turns; the figures are processor seconds of the whole process, start of the interpreter included,
and seconds of the clock. With --folder the server has a workspace.
"""

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.costs import machine
from tests.e2e.conftest import new_user
from tests.e2e.lsp_client import LspClient

LIBRARY = "from pygls.lsp.server import LanguageServer; LanguageServer('empty', '1').start_io()"
SERVERS = {"kibitz serve": ("-m", "kibitz.server", "serve"), "an empty server of pygls": ("-c", LIBRARY)}
SCRIPTS = {"import lsprotocol.types": "import lsprotocol.types", "python -c pass": "pass"}


def threads_cpu_s(pid: int) -> float:
    """Processor seconds of a running process's threads, to the nanosecond."""
    spent = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            spent += int((task / "schedstat").read_text("ascii").split()[0])
    return spent / 1e9


def answered(python: tuple[str, ...], env: dict[str, str], folder: Path) -> tuple[float, float]:
    """Seconds of processor and clock from the start to the answer."""
    began = time.perf_counter()
    with LspClient(env=env, cwd=folder, python=python) as client:
        client.call("initialize", {"processId": None, "capabilities": {}, "rootUri": folder.as_uri()})
        return threads_cpu_s(client.process.pid), time.perf_counter() - began


def ended(script: str, env: dict[str, str], folder: Path) -> tuple[float, float]:
    """Seconds of processor and clock of a script that tells the first itself."""
    tell = f"{script}; import time; print(time.process_time())"
    began = time.perf_counter()
    told = subprocess.run([sys.executable, "-c", tell], env=env, cwd=folder, check=True, capture_output=True, text=True)
    return float(told.stdout), time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--folder", type=Path, help="a workspace; without one it is an empty folder")
    args = parser.parse_args()
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in (*SERVERS, *SCRIPTS)}
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as temporary:
        env, folder = new_user(Path(temporary)), (args.folder or Path(temporary)).resolve()
        for _ in range(args.times):
            for name, python in SERVERS.items():
                times[name].append(answered(python, env, folder))
            for name, script in SCRIPTS.items():
                times[name].append(ended(script, env, folder))
    print(f"{machine()}\n\n| | CPU s, least | CPU s, median | wall s, median |\n|---|--:|--:|--:|")
    for name, each in times.items():
        cpu, wall = zip(*each, strict=True)
        print(f"| {name} | {min(cpu):.2f} | {statistics.median(cpu):.2f} | {statistics.median(wall):.2f} |")


if __name__ == "__main__":
    main()
