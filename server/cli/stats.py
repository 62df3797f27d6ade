"""`kibitz stats`: what became of ghost text, as this machine has counted it."""

import click

from kibitz.server.cli.shared import emit, json_option


@click.command()
@json_option
def stats(*, as_json: bool) -> None:
    """Show how much of the ghost text was taken and kept, by language, and how long it took.

    Only counts and times are kept, in the data directory; nothing is sent, and no code is in it.

    \b
    Examples:
      kibitz stats
      kibitz stats --json
    """
    import os

    from kibitz.server.completion.stats import FILE, Stats
    from kibitz.server.config import load

    told = Stats(load(None, os.environ).data_dir / FILE).as_json()
    if as_json:
        emit(told)
        return
    if not told["places"]:
        click.echo("No ghost text has been shown yet.")
        return
    click.echo(f"{'':<24}{'shown':>8}{'taken':>8}{'in part':>9}{'kept 30 s':>11}{'kept 5 min':>12}")
    for place in told["places"]:
        name = f"{place['language'] or 'unknown'}, {place['kind']}"
        kept = (f"{place['kept_30s']}/{place['looked_30s']}", f"{place['kept_5m']}/{place['looked_5m']}")
        click.echo(
            f"{name:<24}{place['shown']:>8}{place['accepted']:>8}{place['partial']:>9}{kept[0]:>11}{kept[1]:>12}"
        )
    latency = told["latency_ms"]
    if latency["p50"] is not None:
        click.echo(f"The last {latency['count']} took {latency['p50']} ms (median), 95 % at most {latency['p95']} ms.")
