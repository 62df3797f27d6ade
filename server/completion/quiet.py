"""Where ghost text keeps silent because it is never taken there."""

from dataclasses import dataclass, fields

from kibitz.server.completion.code import in_text
from kibitz.server.completion.snapshot import Snapshot

ENOUGH_SHOWN = 60  # of one kind, before it can be called unwanted
LEAST_SHARE = 1 / 50  # taken of shown
REPORTS = 5  # acceptances seen at all: a client that never reports one says nothing by that
PROBE_EVERY = 12  # of the questions in a silent place one is asked all the same, so that silence can end
MOST_SHOWN = 240  # then all counts are halved, and the past weighs less and less


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the suggestions of one language and kind of place.

    `looked_30s` and `looked_5m` count the accepted ones that could be looked at again then, `kept_30s` and `kept_5m`
    those that were mostly still there.
    """

    shown: int = 0
    accepted: int = 0
    partial: int = 0
    looked_30s: int = 0
    kept_30s: int = 0
    looked_5m: int = 0
    kept_5m: int = 0

    def plus(self, **more: int) -> "Counts":
        """Add to some of the counts."""
        changed = {f.name: getattr(self, f.name) + more.get(f.name, 0) for f in fields(self)}
        if changed["shown"] > MOST_SHOWN:
            changed = {name: count // 2 for name, count in changed.items()}
        return Counts(**changed)


def kind_of(at: Snapshot) -> str:
    """Name the kind of place that a cursor stands at: "text" (a comment or a string), "new line" or "line"."""
    if in_text(at.prefix, at.language):
        return "text"
    return "line" if at.prefix[at.prefix.rfind("\n") + 1 :].strip() else "new line"


def keeps_silent(counts: Counts, taken_anywhere: int, asked: int) -> bool:
    """Tell whether nothing shall be shown this time.

    Args:
        counts: what became of those shown there so far.
        taken_anywhere: how many suggestions have been accepted, whole or in part, of all languages and kinds.
        asked: how many questions of this language and kind there have been, with this one.
    """
    taken = counts.accepted + counts.partial
    unwanted = counts.shown >= ENOUGH_SHOWN and taken < LEAST_SHARE * counts.shown
    return unwanted and taken_anywhere >= REPORTS and asked % PROBE_EVERY != 0
