"""`kibitz index`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kibitz.server.cli.shared import PATH, emit, json_option, make_app, progress_bar, update_index

if TYPE_CHECKING:
    from kibitz.indexer.index import Plan, Progress, Report
    from kibitz.server.app import App


@click.command()
@click.argument("root", type=PATH, default=".", metavar="[PATH]")
@click.option("--plan", "only_plan", is_flag=True, help="Say what would be indexed and left out; do nothing.")
@click.option("--rebuild", is_flag=True, help="Throw the index away and make it again.")
@click.option("--watch", "keep_on", is_flag=True, help="Go on with a round whenever something changes.")
@json_option
def index(*, root: Path, only_plan: bool, rebuild: bool, keep_on: bool, as_json: bool) -> None:
    """Bring the index of a folder up to date.

    Only files whose content changed are parsed and embedded. Interrupting it at any time leaves the last
    complete state; the next run goes on from there.

    \b
    Examples:
      kibitz index
      kibitz index ~/src/project --plan
      kibitz index --watch
    """
    if only_plan and keep_on:
        raise click.UsageError("Give --plan or --watch, not both.")
    app = make_app(root)
    if only_plan:
        _show_plan(app, as_json)
        return
    if keep_on:
        from kibitz.server.cli.follow import follow

        follow(app, as_json=as_json, rebuild=rebuild)
    if as_json:
        report = update_index(app, show=_emit_progress, rebuild=rebuild)
        emit({"event": "report", **asdict(report)})
        return
    with progress_bar() as show:
        report = update_index(app, show=show, rebuild=rebuild)
    click.echo(sentence(report))


def _emit_progress(progress: "Progress") -> None:
    emit({"event": "progress", **asdict(progress)})


def sentence(report: "Report") -> str:
    """The report as a person reads it."""
    lines = [
        f"{report.files} files, {report.chunks} chunks: {report.parsed_files} files parsed, "
        f"{report.embedded_chunks} chunks embedded, {report.removed_files} files gone, in {report.seconds:.1f} s."
    ]
    if report.rebuilt:
        lines.insert(0, report.rebuilt)
    if report.skipped:
        counts = sorted(report.skipped.items(), key=lambda item: (-item[1], item[0]))
        lines.append("Left out: " + ", ".join(f"{count} {rule}" for rule, count in counts) + ".")
    return "\n".join(lines)


def _show_plan(app: "App", as_json: bool) -> None:
    from kibitz.indexer.index import plan

    planned: Plan = plan(app.root, cache_dir=app.config.cache_dir, embedder=app.embedder(), rules=app.rules)
    if as_json:
        emit(asdict(planned))
        return
    click.echo(f"{planned.files} files, {planned.bytes / 1e6:.1f} MB; {planned.changed_files} to parse.")
    for title, counts in (("By language", planned.languages), ("Left out by rule", planned.skipped)):
        click.echo(f"{title}:")
        for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            click.echo(f"  {count:>7}  {name or 'no grammar'}")
