"""`kibitz edit`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kibitz.server.cli.places import parse_place, workspace_of
from kibitz.server.cli.requests import target_at
from kibitz.server.cli.shared import PATH, closing, emit, json_option, make_app, model_options, run_async, show

if TYPE_CHECKING:
    from kibitz.server.edit.change import Edit


@click.command()
@click.argument("instruction")
@click.argument("place", metavar="FILE[:A-B]")
@click.argument("others", metavar="[FILE]…", nargs=-1)
@click.option("--path", "root", type=PATH, help="The workspace.  [default: this folder]")
@model_options
@click.option("--apply", is_flag=True, help="Write the files instead of printing the diff.")
@click.option("--new", "new_files", is_flag=True, help="It may make files.")
@click.option("--rename", "renames", is_flag=True, help="It may rename the files that are named.")
@json_option
def edit(
    *,
    instruction: str,
    place: str,
    others: tuple[str, ...],
    root: Path | None,
    base_url: str | None,
    chat_model: str | None,
    apply: bool,
    new_files: bool,
    renames: bool,
    as_json: bool,
) -> None:
    """Change a file, or some of its lines, as instructed; prints a unified diff unless --apply.

    Further files may change as a whole. An edit that does not pass its gate (truncated, no longer parses, changes
    nothing, reaches outside of the files that are named) is refused and nothing is written; of several files all are
    written or none.

    \b
    Examples:
      kibitz edit "add type hints" app.py:10-24
      kibitz edit "rename count to total" app.py report.py --apply
      kibitz edit "move the helpers to a module of their own" app.py --new
    """
    from kibitz.server.edit.change import Targets
    from kibitz.server.edit.files import write_all

    where = parse_place(place)
    root, path = workspace_of(where, root)
    app = make_app(root, base_url=base_url, chat_model=chat_model)
    beside = [app.file_to_edit(workspace_of(parse_place(one), root)[1]) for one in others]
    unique = {target.path: target for target in beside if target.path != path}
    targets = Targets(target_at(root, path, where), tuple(unique.values()), new_files, renames)

    async def propose() -> "tuple[Edit, ...]":
        async with closing(app):
            return await app.propose(instruction, targets)

    proposed = run_async(propose())
    diff = "".join(each.diff() for each in proposed)
    if apply:
        write_all(root, proposed)
    if as_json:
        files = [each.new_path or each.path for each in proposed]
        emit({"path": path, "files": files, "diff": diff, "applied": apply})
    elif apply:
        for each in proposed:
            click.echo(_told(each))
    else:
        show(diff, nl=False)


def _told(edit: "Edit") -> str:
    if edit.is_new:
        return f"{edit.path}: made."
    count = len(edit.replacements())
    changed = f"{count} {'place' if count == 1 else 'places'} changed"
    return f"{edit.path}: now {edit.new_path}, {changed}." if edit.new_path else f"{edit.path}: {changed}."
