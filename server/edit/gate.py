"""The gate that every edit passes: a tuple of checks, each of which refuses with a sentence."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kibitz.server.edit.change import Edit
from kibitz.server.edit.lines import is_blank, split_lines
from kibitz.server.edit.syntax import count_syntax_errors, indentation_error
from kibitz.server.errors import EditError

DELETION_SHARE = 0.5  # of a file's lines: what an edit may not take away unasked
MIN_LINES_FOR_SHARE = 10  # below this a share says nothing
SHOWN_NAMES = 3

_NOTHING = "The model changed nothing; say more exactly what shall be different."
_PLACEHOLDER_WORDS = r"code|file|function|method|class|module|implementation|contents?|document|logic|body|block"
_KEPT_WORDS = rf"{_PLACEHOLDER_WORDS}|methods|functions|imports|lines|fields|definitions|tests|classes|parts|stuff"
_SUFFIX = (
    r"(?: (?:is|are|goes|go|stays?|remains?|continues?|omitted|unchanged|here|below|above|the same"
    r"|as (?:is|before|it was)|for brevity|not shown|not changed))*"
)
_PLACEHOLDER = re.compile(
    rf"(?:(?:keep |the )*(?:rest|remainder) of (?:the |your |this |my )?(?:\w+ ){{0,2}}(?:{_PLACEHOLDER_WORDS})"
    rf"{_SUFFIX}"
    rf"|(?:keep )?(?:the |your |all |any )*(?:existing|remaining|previous|original|unchanged|other) (?:{_KEPT_WORDS})"
    rf"{_SUFFIX}"
    rf"|(?:the )?(?:{_KEPT_WORDS}) (?:omitted|unchanged|not shown|remains?|stays?){_SUFFIX}"
    r"|(?:omitted|unchanged|same as (?:before|above)|no changes?)(?: for brevity| here)?)",
    re.IGNORECASE,
)
_COMMENT = re.compile(
    r"^(?:#+|//+|/\*+|--+|;+|<!--|%+|\{/\*|\"\"\"|\(\*)\s*(?P<words>.*?)\s*(?:\*/\}?|-->|\"\"\"|\*\))?$"
)
_ELLIPSIS = re.compile(r"^(?:\.{3,}|…)")
_DELETING = re.compile(
    r"\b(?:delete|deleting|remove|removing|drop|erase|clear|empty|strip|cut|shorten|simplify|trim|reduce|condense|"
    r"prune|minimi[sz]e|replace everything|rewrite)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """An edit before the gate, with what is known about how it came to be."""

    edit: Edit
    language: str = ""
    instruction: str = ""
    whole_rewrite: bool = False  # the answer gives the file anew instead of blocks to replace
    definition: bool = False  # the answer gives one definition anew
    arrived: Mapping[str, int] = field(default_factory=dict)  # lines that other files gain: what is there is not lost


Check = Callable[[Proposal], None]


def changed(proposal: Proposal) -> None:
    """Refuse an edit that changes nothing.

    Raises:
        EditError: it does.
    """
    if not proposal.edit.changes:
        raise EditError(_NOTHING)


def not_emptied(proposal: Proposal) -> None:
    """Refuse to empty a file.

    Raises:
        EditError: nothing but blanks would be left.
    """
    if proposal.edit.old.strip() and not proposal.edit.new.strip():
        raise EditError(f"The edit would leave {proposal.edit.path} empty; delete the file yourself if that is meant.")


def not_truncated(proposal: Proposal) -> None:
    """Refuse lines that stand for code which the model left out.

    Raises:
        EditError: such a line was added.
    """
    had = Counter(line.strip() for line in split_lines(proposal.edit.old))
    for line in split_lines(proposal.edit.new):
        stripped = line.strip()
        if had[stripped] > 0:
            had[stripped] -= 1
        elif is_placeholder(stripped):
            raise EditError(
                f'The model left code out ("{stripped}"), and writing that would lose it; ask again, or select fewer '
                "lines."
            )


def not_mostly_deleted(proposal: Proposal) -> None:
    """Refuse to take most of a file away unless the instruction asks for it.

    Raises:
        EditError: it would.
    """
    _refuse_loss([proposal], proposal.edit.path)


def not_an_excerpt(proposal: Proposal) -> None:
    """Refuse a whole-file answer that is only a piece of the file.

    A rewrite of a file keeps its first and its last lines or puts others there; an excerpt has nothing in their
    place.

    Raises:
        EditError: lines at the file's start or end would vanish.
    """
    if not proposal.whole_rewrite or _DELETING.search(proposal.instruction):
        return
    replaced = proposal.edit.replacements()
    lines = split_lines(proposal.edit.old)
    for replacement in replaced[:1] + replaced[-1:]:
        span = replacement.span
        gone = _full_lines("".join(lines[span.start : span.end])) - _full_lines(replacement.text)
        if (span.start == 0 or span.end == len(lines)) and gone >= 3 and gone > _full_lines(replacement.text):
            raise EditError(
                f"The model answered with a piece of {proposal.edit.path} and not with all of it; writing that would "
                f"lose {gone} lines. Select the lines to edit."
            )


def keeps_definitions(proposal: Proposal) -> None:
    """Refuse an answer for a whole file or definition that leaves out more definitions than it brings.

    Raises:
        EditError: it does, and the instruction does not ask for it.
    """
    if not (proposal.whole_rewrite or proposal.definition) or _DELETING.search(proposal.instruction):
        return
    old, new = (_defined(text, proposal.edit.path) for text in (proposal.edit.old, proposal.edit.new))
    heads, before, after = dict(old), Counter(name for name, _ in old), Counter(name for name, _ in new)
    lost = [name for name in (before - after).elements() if heads[name] not in proposal.arrived]
    if len(lost) > (after - before).total():
        names = ", ".join(f"`{name}`" for name in lost[:SHOWN_NAMES])
        raise EditError(
            f"The model's answer leaves out {names}{' and more' if len(lost) > SHOWN_NAMES else ''} of "
            f"{proposal.edit.path}; select the lines to edit, or say that they shall be deleted."
        )


def no_new_secret(proposal: Proposal) -> None:
    """Refuse to write a key or an access token into a file: models make up or repeat what they have seen elsewhere.

    Raises:
        EditError: lines that the edit adds hold one, and those that it takes away do not.
    """
    from kibitz.indexer.secrets import holds_secret

    lines = split_lines(proposal.edit.old)
    for replacement in proposal.edit.replacements():
        span = replacement.span
        if holds_secret(replacement.text) and not holds_secret("".join(lines[span.start : span.end])):
            raise EditError(
                f"The edit would write a key or an access token into {proposal.edit.path} (at line {span.start + 1}); "
                "let the code read it from the environment."
            )


def still_parses(proposal: Proposal) -> None:
    """Refuse an edit that adds syntax errors. Languages without a grammar pass.

    Raises:
        EditError: there are more errors than before.
    """
    old, new = proposal.edit.old, proposal.edit.new
    path = proposal.edit.path
    before, after = (count_syntax_errors(text, proposal.language, path) for text in (old, new))
    if before is None or after is None:
        return
    if after.count > before.count:
        raise EditError(
            f"The edit would break the syntax of {path} (line {after.first_line + 1} of the result); ask "
            "again, or select whole statements."
        )
    line = indentation_error(new, proposal.language, path)
    if line is not None and indentation_error(old, proposal.language, path) is None:
        raise EditError(
            f"The edit would break the indentation of {path} (line {line + 1} of the result); ask again, "
            "or select whole statements."
        )


GATE: tuple[Check, ...] = (
    changed,
    not_emptied,
    not_truncated,
    not_an_excerpt,
    not_mostly_deleted,
    keeps_definitions,
    no_new_secret,
    still_parses,
)


def check(proposal: Proposal) -> Edit:
    """Return the edit when every check lets it pass.

    Raises:
        EditError: the sentence of the first check that refuses.
    """
    for refuse in GATE:
        refuse(proposal)
    return proposal.edit


def check_all(proposals: Sequence[Proposal]) -> tuple[Edit, ...]:
    """Return the edits when every file passes, and all together; else refuse with the objections to each file.

    Raises:
        EditError: nothing is changed at all, or a check refuses.
    """
    if not proposals:
        raise EditError(_NOTHING)
    gains = [_stripped(one.edit.new) - _stripped(one.edit.old) for one in proposals]
    total: Counter[str] = sum(gains, Counter())
    objections: list[str] = []
    for proposal, gain in zip(proposals, gains, strict=True):
        try:
            check(replace(proposal, arrived=total - gain))
        except EditError as error:
            path = proposal.edit.path
            objections.append(str(error) if path in str(error) else f"{path}: {error}")
    if objections:
        raise EditError(" ".join(objections))
    _refuse_loss(proposals, "these files")
    return tuple(proposal.edit for proposal in proposals)


def _refuse_loss(proposals: Sequence[Proposal], where: str) -> None:
    """Refuse to lose most of the lines of some files together; a line that is elsewhere now is not lost."""
    old, new = (
        sum((_stripped(text) for text in texts), Counter())
        for texts in ([one.edit.old for one in proposals], [one.edit.new for one in proposals])
    )
    moved = sum(min(count, proposals[0].arrived.get(line, 0)) for line, count in (old - new).items())
    before, lost = old.total(), old.total() - new.total() - moved
    if before < MIN_LINES_FOR_SHARE or lost <= before * DELETION_SHARE or _DELETING.search(proposals[0].instruction):
        return
    raise EditError(
        f"The edit would take {lost} of {before} lines away from {where}, which was not asked for; select the lines to "
        "edit, or say that they shall be deleted."
    )


def is_placeholder(line: str) -> bool:
    """Tell whether a line is a comment that stands for code left out ("# ... rest of the code")."""
    found = _COMMENT.match(line.strip())
    words = found["words"] if found else line.strip()
    dots = _ELLIPSIS.match(words)
    bare = words.strip(" .…()[]:")
    if dots and bare:
        return found is not None or _PLACEHOLDER.fullmatch(bare) is not None
    if found is None:
        return False
    return dots is not None or (bool(bare) and _PLACEHOLDER.fullmatch(bare) is not None)


def _defined(text: str, path: str) -> list[tuple[str, str]]:
    """Return the definitions of a text, each with the line of its name."""
    from kibitz.indexer.outline import symbols_of

    lines = split_lines(text)
    return [(one.symbol, lines[one.line].strip()) for one in symbols_of(path, text) if one.kind != "section"]


def _full_lines(text: str) -> int:
    return _stripped(text).total()


def _stripped(text: str) -> Counter[str]:
    return Counter(line.strip() for line in split_lines(text) if not is_blank(line))
