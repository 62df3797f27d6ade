"""`kibitz gc`: give back the disk space of what nobody will miss."""

from typing import TYPE_CHECKING

import click

from kibitz.server.cli.shared import emit, json_option

if TYPE_CHECKING:
    from kibitz.indexer.housekeeping import Removed

_REASONS = {
    "all": "was asked for",
    "gone": "its folder is gone",
    "superseded": "an old version",
    "budget": "over the disk budget",
    "temporary": "left by a process that was killed",
}


@click.command()
@click.option("--all", "everything", is_flag=True, help="Remove all that can be made again.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@json_option
def gc(*, everything: bool, dry_run: bool, as_json: bool) -> None:
    """Remove indexes of folders that are gone, old versions, and what is over the disk budget.

    What the last packs of such folders held goes, too. An index that is being written is never touched. The budget is
    the setting disk_budget_mb.

    \b
    Examples:
      kibitz gc --dry-run
      kibitz gc --all
    """
    import os

    from kibitz.indexer.housekeeping import collect
    from kibitz.server.config import load
    from kibitz.server.housekeeping import collect_states

    config = load(None, os.environ)
    removed = collect(config.cache_dir, config.disk_budget_mb * 1_000_000, everything=everything, dry_run=dry_run)
    removed += collect_states(config.cache_dir, everything=everything, dry_run=dry_run)
    if as_json:
        emit([_as_json(one) for one in removed])
        return
    for one in removed:
        click.echo(f"{one.bytes / 1e6:>9.1f} MB  {one.path}  ({_REASONS[one.reason]})")
    freed, verb = sum(one.bytes for one in removed) / 1e6, "would be " if dry_run else ""
    click.echo(f"{len(removed)} {verb}removed, {freed:.1f} MB {verb}freed." if removed else "Nothing to remove.")


def _as_json(one: "Removed") -> dict[str, object]:
    return {"path": str(one.path), "bytes": one.bytes, "reason": one.reason}
