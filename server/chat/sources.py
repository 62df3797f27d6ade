"""What of the workspace a question's prompt showed, and why each place was in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from kibitz.server.chat.citations import Citation, merged, place_of

if TYPE_CHECKING:
    from kibitz.prompts.render import Rendered

Why = Literal["selected", "attached", "mentioned", "open", "changed", "rules", "found", "earlier"]
"""Why something is in a prompt: the user selected, attached or mentioned it, it is open, what git says has changed, the
workspace's conventions, a search found it for the question, or it is left from an earlier question."""

_WHOLE: tuple[Why, ...] = ("changed", "rules")


@dataclass(frozen=True, slots=True, order=True)
class Source(Citation):
    """Lines of a file that were shown; 0 to 0 where what was shown of it are not its lines (rules, a diff)."""

    why: Why

    @property
    def same(self) -> tuple[str, ...]:
        """Places of one file that came for different reasons stay apart."""
        return (self.path, self.why)


def sources(rendered: "Rendered", whys: Mapping[str, Why]) -> tuple[Source, ...]:
    """Return what is in the prompt, in its order; places of a file that touch and came for one reason are one.

    `whys` has the labels of what was not found by the search.
    """
    return merged(_sources(rendered, whys))


def _sources(rendered: "Rendered", whys: Mapping[str, Why]) -> Iterator[Source]:
    from kibitz.prompts.templates.chat import is_earlier, is_named

    for part in rendered.parts:
        if not part.shown or not part.text.strip() or is_named(part):
            continue
        why = whys.get(part.name)
        if place := place_of(part.origin):
            found: Why = "earlier" if is_earlier(part) else "found"
            yield Source(place.path, place.start_line, place.end_line, why or found)
        elif why in _WHOLE and part.origin:
            yield Source(part.origin, 0, 0, why)
