"""Whether edits land where they were meant: thousands of made-up answers about the functions of real checkouts.

Takes folders with Python files. Each class of edit_cases.py gets --count answers; what becomes of each is one of:
applied right, refused rightly, refused though it was clear, applied wrong. The last must not happen.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from kibitz.server.edit.change import Edit, apply
from kibitz.server.edit.new_path import check_name
from kibitz.server.edit.one_file import finished_part, to_edit
from kibitz.server.edit.relocate import relocate
from kibitz.server.edit.several_files import to_edits
from kibitz.server.errors import EditError
from kibitz.server.lsp.rebase import rebase
from tests.bench.costs import machine
from tests.bench.edit_cases import Case, cases
from tests.bench.edit_functions import functions_of
from tests.bench.edit_several_cases import Several, several_cases

RIGHT, REFUSED, TIMID, WRONG = "applied right", "refused rightly", "refused though clear", "applied wrong"
OUTCOMES = (RIGHT, REFUSED, TIMID, WRONG)


def outcome(case: Case) -> tuple[str, str]:
    """Tell what becomes of a case, and the reason of a refusal or the text that was made wrongly."""
    told, why = _of_text(case)
    if case.kind != "cut off" or told == WRONG:
        return told, why
    offered = finished_part(case.answer, case.target)
    if offered is not None:
        return (RIGHT, "") if offered.new == case.finished else (WRONG, offered.new)
    return (REFUSED, why) if case.finished is None else (TIMID, why)


def _of_text(case: Case) -> tuple[str, str]:
    try:
        new = _carried(to_edit(case.answer, case.target), case.now)
    except EditError as refusal:
        return (TIMID if case.clear and case.intended is not None else REFUSED), str(refusal)
    return (RIGHT, "") if new == case.intended else (WRONG, Edit(case.target.path, case.intended or "", new).diff())


def outcome_of_several(case: Several) -> tuple[str, str]:
    """Tell what becomes of a case of several files, and the reason of a refusal or what was made wrongly."""
    try:
        edits = to_edits(case.answer, case.targets, check_path=check_name, instruction="")
    except EditError as refusal:
        return (TIMID if case.intended is not None else REFUSED), str(refusal)
    made = {edit.new_path or edit.path: edit.new for edit in edits}
    return (RIGHT, "") if made == case.intended else (WRONG, "".join(edit.diff() for edit in edits))


def _carried(edit: Edit, now: str | None) -> str:
    """Make an edit in a document as it is now, as the language server does."""
    if now is None:
        return apply(edit.old, edit.replacements())
    try:
        return apply(now, rebase(edit.old, now, edit.replacements()))
    except EditError:
        return apply(now, relocate(edit.old, now, edit.replacements()))


def table(told: Iterable[tuple[str, str]]) -> str:
    """Count outcomes by class, in Markdown."""
    counts = Counter(told)
    kinds = list(dict.fromkeys(kind for kind, _ in counts))
    rows = [f"| edits | {' | '.join(OUTCOMES)} |", f"| --- |{' ---: |' * len(OUTCOMES)}"]
    rows += [f"| {kind} | {' | '.join(str(counts[kind, one]) for one in OUTCOMES)} |" for kind in kinds]
    total = (sum(counts[kind, one] for kind in kinds) for one in OUTCOMES)
    return "\n".join([*rows, f"| all | {' | '.join(map(str, total))} |"])


def main() -> int:
    """Run the cases; the exit status is 1 when an edit was applied wrongly."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=200, help="answers of each class for each tree")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=0, help="so many refusals and wrong texts of each kind")
    options = parser.parse_args()
    told: list[tuple[str, str]] = []
    shown: Counter[tuple[str, str]] = Counter()
    for tree in options.trees:
        functions = functions_of(tree)
        print(
            f"{tree.name}: {len(functions)} functions of {len({one.path for one in functions})} files", file=sys.stderr
        )
        every = ((case.kind, case.answer, outcome(case)) for case in cases(functions, options.count, options.seed))
        several = (
            (case.kind, case.answer, outcome_of_several(case))
            for case in several_cases(functions, options.count, options.seed)
        )
        for kind, answer, (what, why) in (*every, *several):
            told.append((kind, what))
            shown[kind, what] += 1
            if what in (TIMID, WRONG) and shown[kind, what] <= options.show:
                print(f"--- {kind}: {what}\n{answer}\n--- {why}", file=sys.stderr)
    print(f"{machine()}\n\n{table(told)}")
    return int(any(what == WRONG for _, what in told))


if __name__ == "__main__":
    sys.exit(main())
