"""When an answer that is still coming is complete, so that the model need not go on."""

from kibitz.server.completion.answer import is_wrapped_whole
from kibitz.server.completion.filters import (
    STOPS,
    cut_before_next_line,
    keep_one_line,
    may_be_repeated_prefix,
    unwrap,
)
from kibitz.server.completion.snapshot import Snapshot


def complete_part(text: str, at: Snapshot) -> str | None:
    """Return as much of an answer so far as has to be cleaned when all that may follow would be cut away, else None.

    Where whole lines decide, the line that is still being written goes: its half would be compared with the document's
    whole lines.
    """
    if is_wrapped_whole(text, at):
        return text
    body = unwrap(text, at)
    if keep_one_line(body, at) != body:
        return text if body.strip() else None
    whole_lines = body[: max(0, body.rfind("\n"))]
    if not whole_lines.strip() or may_be_repeated_prefix(body, at):
        return None
    cut = any(stop(whole_lines, at).rstrip() != whole_lines.rstrip() for stop in STOPS)
    if cut or cut_before_next_line(whole_lines, at, ended=False) is not None:
        return text[: text.rfind("\n")]
    return None
