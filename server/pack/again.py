"""A pack that begins as the one before did, so that what a provider has cached of that is used again.

Where a file has changed, its older text stays where it was, if git still has it, and the text of now stands at the end.
"""

from kibitz.indexer.fold import folded
from kibitz.indexer.types import Span
from kibitz.prompts.templates.pack import PackFile, part_text
from kibitz.server.pack.plan import Material, Plan, Planned
from kibitz.server.pack.state import Segment, State

_STALE = 10  # one part of so many of a pack may be older texts of files that have changed


def again(material: Material, before: State) -> Plan | None:
    """Plan a pack that begins as the one before; None when that was made for something else or is too old."""
    if (before.budget, before.tokenizer) != (material.budget, material.tokenizer.name):
        return None
    ids = material.files.ids
    stale = [one for one in before.segments if not one.changed and ids.get(one.path) != one.content]
    if sum(one.tokens for one in stale) * _STALE > sum(one.tokens for one in before.segments):
        return None
    older = material.files.older((one.path, one.content) for one in stale if one.path in ids)
    files = tuple(
        _as_before(material, one, text)
        for one in before.segments
        if not one.changed and (text := _text(material, one, older))
    )
    last = [one for one in before.segments if one.changed and ids.get(one.path) == one.content]
    above = {one.file.path for one in files}
    current = {one.file.path for one in files if one.content == ids[one.file.path]}.union(one.path for one in last)
    wanted = {one.path for one in before.segments}.union(material.ranked.paths) - current
    changed = [path for path in sorted(wanted.intersection(ids)) if before.seen.get(path) != ids[path]]
    tail = [_as_before(material, one, text) for one in last if (text := material.files.text(one.path))]
    tail += [_now(material, path, text, path in above) for path in changed if (text := material.files.text(path))]
    gone = () if material.question else tuple(sorted({*before.seen, *before.gone}.difference(ids)))
    return Plan(before.front, files, tuple(tail), gone)


def _text(material: Material, one: Segment, older: dict[tuple[str, str], str]) -> str | None:
    """The text that a segment was made of.

    None when nobody has that text any more, or when there is none of now that could take its place.
    """
    now = material.files.text(one.path) if one.path in material.files.ids else None
    if material.files.ids.get(one.path) == one.content or now is None:
        return now
    return older.get((one.path, one.content))


def _as_before(material: Material, one: Segment, text: str) -> Planned:
    """A file in the form that it had, of which the tokens are known."""
    if one.form == "text":
        file = PackFile(one.path, text, newer=one.newer)
        material.tokenizer.know(part_text(file, "text"), one.tokens)
    else:
        outline = folded(one.path, text, [Span(start, end) for start, end in one.kept])
        file = PackFile(one.path, outline=outline, newer=one.newer)
        material.tokenizer.know(part_text(file, "outline"), one.tokens)
    return Planned(file, one.content, one.kept)


def _now(material: Material, path: str, text: str, newer: bool) -> Planned:
    """A file that has changed: whole, else cut; the ranks say only which of the two."""
    file = PackFile(path, text, folded(path, text), text_rank=1, outline_rank=0, newer=newer)
    return Planned(file, material.files.ids[path])
