"""`kibitz sessions`: the conversations that are kept."""

import time
from pathlib import Path

import click

from kibitz.server.cli.shared import emit, json_option, make_app, path_option, printable


@click.command()
@click.argument("session", metavar="[ID]", default="")
@click.option("--delete", is_flag=True, help="Remove it for good.")
@path_option
@json_option
def sessions(*, session: str, delete: bool, root: Path, as_json: bool) -> None:
    """List the conversations about a workspace, or show one. They are kept in the data directory.

    \b
    Examples:
      kibitz sessions
      kibitz sessions 5f0c9a1be2d34c77
      kibitz sessions 5f0c9a1be2d34c77 --delete
    """
    kept = make_app(root).sessions
    if not session:
        found = kept.all()
        if as_json:
            emit([each.summary() for each in found])
        elif not found:
            click.echo("No conversation is kept. `kibitz ask --session new` begins one.", err=True)
        else:
            for each in found:
                when = time.strftime("%Y-%m-%d %H:%M", time.localtime(each.at))
                click.echo(f"{each.id}  {when}  {len(each.turns):>3}  {printable(each.title)}")
    elif delete:
        kept.delete(session)
    elif as_json:
        emit(kept.get(session).as_json())
    else:
        for turn in kept.get(session).turns:
            click.echo(click.style("> " if turn.role == "user" else "", bold=True) + printable(turn.text) + "\n")
