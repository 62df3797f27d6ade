"""What goes into a pack before it is known how much fits, and what of it a rendering shows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from kibitz.prompts.nodes import Node
from kibitz.prompts.rendered import Rendered
from kibitz.prompts.templates.pack import FRONT, PackFile, pack_tree, part_name
from kibitz.server.pack.counting import Remembering
from kibitz.server.pack.files import Files
from kibitz.server.pack.ranking import Ranked
from kibitz.server.pack.state import Segment, State


@dataclass(frozen=True, slots=True)
class Material:
    """All that a pack is made of.

    Attributes:
        budget: of the prompt, in tokens.
        question: what it is for; "" for the whole repository.
        tokenizer: what counts.
        files: all files as they are now.
        ranked: those that may be in the pack.
        committed: git's ids of contents in the last commit, by path; empty without git.
    """

    budget: int
    question: str
    tokenizer: Remembering
    files: Files
    ranked: Ranked
    committed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Planned:
    """A file that may be in a pack, with the id of the content and the lines that are kept where it is cut."""

    file: PackFile
    content: str
    kept: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What may be in a pack, in order; see `pack_tree`."""

    front: Node | str
    files: tuple[Planned, ...]
    changed: tuple[Planned, ...]
    gone: tuple[str, ...] = ()

    def tree(self, question: str) -> Node:
        """The prompt's tree."""
        changed = [one.file for one in self.changed]
        return pack_tree(
            self.front, (one.file for one in self.files), changed=changed, gone=self.gone, question=question
        )

    def state(self, rendered: Rendered, material: Material) -> State:
        """What a rendering shows of it."""
        possible = {**_segments(self.files, changed=False), **_segments(self.changed, changed=True)}
        shown = [part for part in rendered.parts if part.shown]
        return State(
            budget=material.budget,
            tokenizer=material.tokenizer.name,
            front="".join(part.text for part in shown if part.name == FRONT),
            segments=tuple(replace(possible[part.name], tokens=part.tokens) for part in shown if part.name in possible),
            seen=material.files.ids,
            gone=self.gone,
        )


def _segments(every: Iterable[Planned], *, changed: bool) -> dict[str, Segment]:
    """The segments that there may be, by the names of the parts that would show them."""
    return {
        part_name(one.file, form): Segment(
            one.file.path, form, one.content, 0, one.kept if form == "outline" else (), changed, one.file.newer
        )
        for one in every
        for form in ("text", "outline")
    }
