"""Moving a block of lines to another indentation."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from kibitz.server.edit.lines import indent_of, is_blank, split_lines


def indent_unit(lines: Sequence[str]) -> str:
    """Return one level of indentation: a tab, or as many blanks as lines go in most often; "" when none is indented.

    The commonest step is right where a few lines are aligned by hand, or indented as text is.
    """
    indents = [indent_of(line) for line in lines if not is_blank(line)]
    if any("\t" in indent for indent in indents):
        return "\t"
    steps = Counter(len(after) - len(before) for before, after in pairwise(indents) if len(after) > len(before))
    if steps:
        return " " * max(steps, key=lambda step: (steps[step], -step))
    return " " * min(map(len, filter(None, indents)), default=0)


@dataclass(frozen=True, slots=True)
class Reindent:
    """A map from the indentation of one text to that of another.

    `known` holds pairs seen (theirs, ours). An indentation that was not seen is measured from the deepest known one
    above it; what is deeper is put in units of ours. One that lies above all known is shifted like the first.
    """

    known: tuple[tuple[str, str], ...]
    their_unit: str
    our_unit: str

    def __call__(self, text: str) -> str:
        """Return a text with every line that is not blank moved."""
        return "".join(line if is_blank(line) else self._moved(line) for line in split_lines(text))

    def _moved(self, line: str) -> str:
        theirs = indent_of(line)
        return self._indent(theirs) + line[len(theirs) :]

    def _indent(self, theirs: str) -> str:
        above = [(known, ours) for known, ours in self.known if theirs.startswith(known)]
        if above:
            known, ours = max(above, key=lambda pair: len(pair[0]))
            return ours + self._converted(theirs[len(known) :])
        known, ours = min(self.known, key=lambda pair: len(pair[0]))
        missing = self._converted(known[len(theirs) :]) if known.startswith(theirs) else ""
        return ours[: len(ours) - len(missing)] if len(missing) <= len(ours) else ""

    def _converted(self, extra: str) -> str:
        """Write indentation beyond a known one with our characters: levels are whole units of theirs."""
        if not extra or not self.our_unit or extra[0] == self.our_unit[0]:
            return extra
        if self.our_unit == "\t":
            levels, rest = divmod(len(extra), len(self.their_unit))
            return "\t" * levels + " " * rest
        return extra.replace("\t", self.our_unit)


def fit(block: str, target: Sequence[str], document: Sequence[str]) -> str:
    """Move a rewritten block so that its first line stands where the target's first line stands.

    `target` are the lines it takes the place of, `document` all lines of the file, whose unit of indentation
    is kept. A block that already stands there in the file's own characters comes back as it is.
    """
    new = split_lines(block)
    theirs = next((indent_of(line) for line in new if not is_blank(line)), "")
    ours = next((indent_of(line) for line in target if not is_blank(line)), None)
    if ours is None:  # nothing to measure by
        return block
    their_unit, our_unit = indent_unit(new), indent_unit(document)
    if theirs == ours and (not their_unit or not our_unit or their_unit[0] == our_unit[0]):
        return block
    return Reindent(((theirs, ours),), their_unit, our_unit)(block)
