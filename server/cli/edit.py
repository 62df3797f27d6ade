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
@click.option("--path", "root", type=PATH, help="The workspace.  [default: this folder]")
@model_options
@click.option("--apply", is_flag=True, help="Write the file instead of printing the diff.")
@json_option
def edit(
    *,
    instruction: str,
    place: str,
    root: Path | None,
    base_url: str | None,
    chat_model: str | None,
    apply: bool,
    as_json: bool,
) -> None:
    """Change a file, or some of its lines, as instructed; prints a unified diff unless --apply.

    An edit that does not pass its gate (truncated, no longer parses, changes nothing) is refused and nothing is
    written.

    \b
    Examples:
      kibitz edit "add type hints" app.py:10-24
      kibitz edit "rename count to total" app.py --apply
    """
    from kibitz.server.edit.files import write

    where = parse_place(place)
    root, path = workspace_of(where, root)
    target = target_at(root, path, where)
    app = make_app(root, base_url=base_url, chat_model=chat_model)

    async def propose() -> "Edit":
        async with closing(app):
            return await app.propose(instruction, target)

    proposed = run_async(propose())
    if apply:
        write(root, proposed)
    if as_json:
        emit({"path": path, "diff": proposed.diff(), "applied": apply})
    elif apply:
        count = len(proposed.replacements())
        click.echo(f"{path}: {count} {'place' if count == 1 else 'places'} changed.")
    else:
        show(proposed.diff(), nl=False)
