"""What becomes of suggestions: counts and times in a small file of the user's own; no text, no paths, nothing sent."""

import contextlib
import json
import statistics
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from kibitz.server.completion.quiet import Counts, keeps_silent

FILE = "completions.json"
VERSION = 1
MOST_BYTES = 1_000_000
LATENCIES = 400
SAVED_EVERY = 20
MOSTLY = 0.5  # of an accepted text's characters that have to be there still

Key = tuple[str, str]


class Stats:
    """The counts by language and kind of place, and the last latencies in milliseconds.

    Several processes may count at one time: what is written is what the file holds by then, and what was counted since.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.counts, self._latencies = _load(file)
        self._new: dict[Key, Counts] = {}
        self._new_latencies: list[int] = []
        self._asked: dict[Key, int] = {}
        self._unsaved = 0

    def add(self, key: Key, **more: int) -> None:
        """Count."""
        for counts in (self.counts, self._new):
            counts[key] = counts.get(key, Counts()).plus(**more)
        self._unsaved += 1

    def took(self, seconds: float) -> None:
        """Take note of how long a suggestion took, from the question to the answer."""
        self._new_latencies.append(round(seconds * 1000))

    def silent(self, key: Key) -> bool:
        """Tell whether to show nothing this time; see `keeps_silent`."""
        self._asked[key] = self._asked.get(key, 0) + 1
        taken = sum(each.accepted + each.partial for each in self.counts.values())
        return keeps_silent(self.counts.get(key, Counts()), taken, self._asked[key])

    def as_json(self) -> dict[str, Any]:
        """Return what `kibitz stats --json` prints."""
        places = [
            {"language": language, "kind": kind, **asdict(counts)}
            for (language, kind), counts in sorted(self.counts.items())
        ]
        return {"places": places, "latency_ms": percentiles([*self._latencies, *self._new_latencies][-LATENCIES:])}

    def save(self, *, now: bool = False) -> None:
        """Write the file, once there is enough to write or `now`; one that cannot be written is left."""
        from kibitz.indexer.errors import DiskFullError
        from kibitz.indexer.files import whole

        if self._unsaved < (1 if now else SAVED_EVERY):
            return
        self.counts, latencies = _load(self._file)
        for key, counts in self._new.items():
            self.counts[key] = self.counts.get(key, Counts()).plus(**asdict(counts))
        self._latencies = [*latencies, *self._new_latencies][-LATENCIES:]
        self._new, self._new_latencies, self._unsaved = {}, [], 0
        stored = {"version": VERSION, "places": self.as_json()["places"], "latencies": self._latencies}
        with contextlib.suppress(OSError, DiskFullError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with whole(self._file) as stream:
                stream.write(json.dumps(stored).encode())


def percentiles(values: list[int]) -> dict[str, int | None]:
    """Return the 50th, 90th and 95th percentile and how many values there are; null below two values."""
    if len(values) < 2:
        return {"p50": None, "p90": None, "p95": None, "count": len(values)}
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49]), "p90": round(cuts[89]), "p95": round(cuts[94]), "count": len(values)}


def is_kept(text: str, document: str) -> bool:
    """Tell whether most of an accepted text is in a document still, by its lines."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    kept = sum(len(line) for line in lines if line in document)
    return kept >= MOSTLY * sum(map(len, lines))


def _load(file: Path) -> tuple[dict[Key, Counts], list[int]]:
    """Read the file; what is damaged is left out."""
    try:
        with file.open("rb") as stream:
            stored = json.loads(stream.read(MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}, []
    if not isinstance(stored, dict) or stored.get("version") != VERSION:
        return {}, []
    counts = {}
    names = [f.name for f in fields(Counts)]
    for row in _list(stored.get("places")):
        with contextlib.suppress(TypeError, ValueError, KeyError, AttributeError):
            values = {name: int(row[name]) for name in names}
            if min(values.values()) >= 0:
                counts[str(row["language"]), str(row["kind"])] = Counts(**values)
    latencies = [value for value in _list(stored.get("latencies")) if type(value) is int and value >= 0]
    return counts, latencies


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
