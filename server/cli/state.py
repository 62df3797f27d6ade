"""`kibitz status` and `kibitz config`."""

import re
from pathlib import Path

import click

from kibitz.server.cli.shared import PATH, emit, json_option, make_app, path_option


@click.command()
@click.argument("root", type=PATH, default=".", metavar="[PATH]")
@json_option
def status(*, root: Path, as_json: bool) -> None:
    """Say what is indexed, how far behind it is and how large."""
    app = make_app(root)
    if as_json:
        emit(app.status())
        return
    state = app.index_status()
    click.echo(f"Workspace  {app.root}")
    if not state.indexed:
        click.echo("Index      none yet: run `kibitz index`")
        return
    behind = "up to date" if not state.behind else f"{state.behind} files changed since"
    click.echo(f"Index      {state.files} files, {state.chunks} chunks, {state.bytes / 1e6:.1f} MB on disk; {behind}")
    click.echo(f"Embedder   {app.embedder().name}")
    for rule, count in sorted(state.skipped.items(), key=lambda item: (-item[1], item[0])):
        click.echo(f"Left out   {count} {rule}")


@click.command()
@path_option
@json_option
def config(*, root: Path, as_json: bool) -> None:
    """List every setting with its value and where it comes from."""
    from kibitz.server.config import SETTINGS, Config

    settings: Config = make_app(root).config
    shown = {
        name: {
            "value": _shown(getattr(settings, name)),
            "source": settings.sources.get(name, "default"),
            "help": field.metadata["help"],
        }
        for name, field in SETTINGS.items()
    }
    if as_json:
        emit(shown)
        return
    for name, entry in shown.items():
        click.echo(f"{name} = {entry['value']!r}  ({entry['source']})")
        click.echo(click.style(f"    {entry['help']}", dim=True))


def _shown(value: object) -> object:
    """A setting's value as it may be printed: never a secret."""
    from kibitz.server.config import Secret

    if isinstance(value, Secret):
        return "***" if value else ""
    if isinstance(value, str):  # an endpoint may be spelled with a password
        return re.sub(r"(?<=://)[^/@]*@", "***@", value)
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
