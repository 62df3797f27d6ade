"""`kibitz status` and `kibitz config`."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kibitz.server.cli.shared import PATH, emit, expanded, json_option, make_app, path_option, printable

if TYPE_CHECKING:
    from kibitz.indexer.explain import FileStatus
    from kibitz.server.app import App


@click.command()
@click.argument("target", type=PATH, default=".", metavar="[PATH]")
@click.option("--path", "root", type=PATH, help="The workspace of a file.  [default: this folder]")
@json_option
def status(*, target: Path, root: Path | None, as_json: bool) -> None:
    """Say what is indexed, how far behind it is and how large; of a file, whether it is indexed and why not.

    \b
    Examples:
      kibitz status
      kibitz status src/app.py
    """
    if root is not None or not _is_folder(target):
        _show_file(make_app(root or Path()), expanded(target), as_json)
        return
    app = make_app(target)
    if as_json:
        emit(app.status())
        return
    state = app.index_status()
    click.echo(f"Workspace  {app.root}")
    if not state.indexed:
        click.echo("Index      none yet: run `kibitz index`")
        return
    behind = "up to date" if not state.behind else f"{state.behind} files changed since"
    click.echo(f"Index      {state.files} files, {state.chunks} chunks; {behind}")
    disk = ", ".join(f"{size / 1e6:.1f} MB {name}" for name, size in state.disk.items())
    click.echo(f"On disk    {state.bytes / 1e6:.1f} MB: {disk}")
    click.echo(f"Embedder   {app.embedder().name}")
    if state.warning:
        click.echo(f"Warning    {state.warning}")
    for rule, count in sorted(state.skipped.items(), key=lambda item: (-item[1], item[0])):
        click.echo(f"Left out   {count} {printable(rule)}")


def _is_folder(target: Path) -> bool:
    """Whether this is asked about a workspace; what does not exist may be a file that was indexed once."""
    path = expanded(target)
    return path.is_dir() and not path.is_symlink()


def _show_file(app: "App", file: Path, as_json: bool) -> None:
    from dataclasses import asdict

    state = app.file_status(file)
    if as_json:
        emit(asdict(state))
        return
    click.echo(f"File       {printable(state.path)}")
    click.echo(f"Index      {_in_index(state)}")
    if state.rule:
        origin = f", {state.origin}" if state.origin else ""
        click.echo(f"Left out   {printable(state.rule + origin)}: {state.reason}")
    elif state.reason:
        click.echo(f"Not yet    {state.reason}")
    if state.size is not None:
        click.echo(f"Size       {state.size} bytes")
    click.echo(f"Language   {state.language or 'no grammar'}")
    if state.blob:
        click.echo(f"Blob       {state.blob}")


def _in_index(state: "FileStatus") -> str:
    if not state.indexed:
        return "no"
    if state.size is None:
        return f"yes, {state.chunks} chunks; the file has gone since, and the next round takes it out"
    if state.rule:
        return f"yes, {state.chunks} chunks; the next round takes it out"
    return f"yes, {state.chunks} chunks; " + ("changed since" if state.changed else "up to date")


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
