"""Can this processor run the vector store? LanceDB's wheels are built for AVX2 on x86-64 and crash without it."""

import functools
import platform
import subprocess
import sys
from pathlib import Path

_MISSING = (
    "This processor has no AVX2, which the vector store needs: the index is kept without it; search works all the same."
)
_AVX2_ON_WINDOWS = 40  # PF_AVX2_INSTRUCTIONS_AVAILABLE


@functools.cache
def missing_for_store() -> str:
    """What this processor lacks for the vector store, as a sentence; "" when nothing, or when nobody can tell."""
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return ""
    if sys.platform == "win32":
        return _on_windows()
    return missing_in(_flags_on_macos() if sys.platform == "darwin" else _cpuinfo())


def missing_in(flags: str) -> str:
    """The same from a list of a processor's flags: /proc/cpuinfo, or `sysctl machdep.cpu`.

    A text that lists no flags says nothing, since a wrong alarm would cost more than a crash that did not come.
    """
    words = flags.lower().split()
    return _MISSING if "sse2" in words and "avx2" not in words else ""


def _cpuinfo() -> str:
    """The first processor's part of /proc/cpuinfo; there may be hundreds, all alike."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    except OSError:
        return ""


def _flags_on_macos() -> str:
    names = ("machdep.cpu.features", "machdep.cpu.leaf7_features")
    try:
        done = subprocess.run(
            ["/usr/sbin/sysctl", "-n", *names], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _on_windows() -> str:
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
    return "" if kernel.IsProcessorFeaturePresent(_AVX2_ON_WINDOWS) else _MISSING
