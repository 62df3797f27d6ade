"""`kibitz prompt --explain-latency`: what a prompt costs on a model and a device, reckoned without asking either."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from kibitz.prompts.hardware import DEVICES, MODELS
from kibitz.server.cli.shared import emit, json_option

if TYPE_CHECKING:
    from kibitz.prompts.speed import Architecture, Deployment, Latency

POSITIVE = click.IntRange(1)
ABOVE_0 = click.FloatRange(0, min_open=True)


def _numbers(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[int, ...]:
    """Read whole numbers above 0 with commas between them; "k" stands for 1024.

    Raises:
        BadParameter: one of them is none.
    """
    numbers: list[int] = []
    for text in value.lower().split(","):
        digits = text.strip().removesuffix("k")
        if not (digits.isascii() and digits.isdecimal()) or int(digits) == 0:
            raise click.BadParameter(f"{text!r} is not a number above 0, as in 1024,8k")
        numbers.append(int(digits) * (1024 if text.strip().endswith("k") else 1))
    return tuple(numbers)


@click.command("explain-latency")
@click.option("--model", "models", type=click.Choice(list(MODELS)), multiple=True, help="May be repeated.")
@click.option("--layers", type=POSITIVE)
@click.option("--hidden", type=POSITIVE, help="Of which each attention head has its part, unless --head-size says.")
@click.option("--heads", type=POSITIVE, help="Attention heads.")
@click.option("--kv-heads", type=POSITIVE, help="Key/value heads: as many as attention heads, fewer, or one.")
@click.option("--head-size", type=POSITIVE)
@click.option("--parameters", type=ABOVE_0, metavar="BILLIONS")
@click.option("--weight-bits", type=ABOVE_0, default=16, show_default=True, help="Of a weight.")
@click.option("--kv-bits", type=ABOVE_0, default=16, show_default=True, help="Of a key's or value's number.")
@click.option("--device", type=click.Choice(list(DEVICES)), default="a100-80g", show_default=True)
@click.option("--devices", type=POSITIVE, default=1, show_default=True, help="How many of them.")
@click.option("--bandwidth", type=ABOVE_0, metavar="GB/S", help="Of the memory.")
@click.option("--tflops", type=ABOVE_0, help="Operations a second, in 10^12.")
@click.option("--memory", type=ABOVE_0, metavar="GB")
@click.option(
    "--prompts", callback=_numbers, metavar="N,N", default="1k,8k,32k", show_default=True, help="Lengths, in tokens."
)
@click.option(
    "--batches", callback=_numbers, metavar="N,N", default="1,8", show_default=True, help="Requests at one time."
)
@click.option("--shared", type=click.IntRange(0), default=0, help="Tokens of a prompt that are in the cache already.")
@json_option
def explain_latency(
    *,
    models: tuple[str, ...],
    device: str,
    devices: int,
    weight_bits: float,
    kv_bits: float,
    prompts: tuple[int, ...],
    batches: tuple[int, ...],
    shared: int,
    as_json: bool,
    **given: Any,
) -> None:
    """Reckon the time to the first token and the tokens a second, by length of prompt and size of batch.

    Limits, not forecasts: what memory and arithmetic allow at best (a roofline). Nothing is asked and nothing is
    measured; `kibitz doctor` shows what your own endpoint has been seen to do.

    \b
    Examples:
      kibitz prompt --explain-latency --model llama-3-8b --device h100
      kibitz prompt --explain-latency --model qwen2.5-coder-7b --device rtx-4090 --weight-bits 4.5 --shared 7000
      kibitz prompt --explain-latency --model llama-2-7b --model 7b-mqa --prompts 8k,256k --batches 1,15
      kibitz prompt --explain-latency --layers 32 --hidden 4096 --heads 32 --kv-heads 8 --parameters 8 \\
        --bandwidth 400 --tflops 13.6 --memory 64
    """
    from kibitz.prompts.speed import Deployment, latencies

    hardware = replace(DEVICES[device], **_hardware(given))
    told: list[Latency] = []
    for model in _architectures(models, given):
        made = Deployment(model, hardware, devices, weight_bits, kv_bits)
        told += latencies(made, prompts, batches, shared)
    if as_json:
        emit([_as_json(each) for each in told])
    else:
        _show(told, shared)


def _hardware(given: dict[str, Any]) -> dict[str, Any]:
    """What the options say of the device, in base units."""
    units = {"bandwidth": ("bandwidth", 1e9), "tflops": ("flops", 1e12), "memory": ("memory", 1e9)}
    told = {field: given[name] * unit for name, (field, unit) in units.items() if given[name] is not None}
    return {"name": "given", **told} if told else {}


def _architectures(models: Sequence[str], given: dict[str, Any]) -> "list[Architecture]":
    """The models that are named, each with what the options say instead; or one that they describe in full.

    Raises:
        UsageError: no model is named and the options leave something open.
    """
    from kibitz.prompts.speed import Architecture

    told = {name: given[name] for name in ("layers", "heads", "kv_heads", "head_size") if given[name] is not None}
    if given["parameters"] is not None:
        told["parameters"] = round(given["parameters"] * 1e9)
    if not told and not given["hidden"]:
        return [MODELS[name] for name in models or ("llama-2-7b",)]
    described = {**asdict(MODELS[models[0]]), **told} if models else told
    if given["hidden"] and "head_size" not in told and "heads" in described:
        described["head_size"] = max(1, given["hidden"] // described["heads"])
    described.setdefault("kv_heads", described.get("heads"))
    needed = ("layers", "heads", "head_size", "parameters")
    if missing := [name for name in needed if described.get(name) is None]:
        options = ", ".join("--" + name.replace("_", "-") for name in missing)
        raise click.UsageError(f"A model of your own needs {options} too (--hidden tells the size of a head).")
    if len(models) > 1:
        raise click.UsageError("Dimensions describe one model: name one --model, or none.")
    return [Architecture(**{**described, "name": f"{models[0]}, changed" if models else "given"})]


def _as_json(told: "Latency") -> dict[str, Any]:
    made = told.deployment
    return {
        "model": made.architecture.name,
        "device": made.device.name,
        "devices": made.devices,
        "prompt": told.prompt,
        "batch": told.batch,
        "largest_batch": made.largest_batch(told.prompt),
        "fits": told.fits,
        "kv_bytes_per_token": made.kv_bytes_per_token,
        "weight_bytes": made.weight_bytes,
        "bytes_per_step": made.bytes_per_step(told.prompt, told.batch),
        "first_token_ms": told.first_token.seconds * 1000,
        "first_token_bound": told.first_token.bound,
        "token_ms": told.token.seconds * 1000,
        "token_bound": told.token.bound,
        "tokens_per_second": told.rate,
        "memory_bound_tokens_per_second": told.memory_bound_rate,
        "compute_bound_tokens_per_second": told.compute_bound_rate,
    }


LEGEND = """\
Limits of memory and arithmetic, not forecasts. most: the largest batch that the memory holds; a star marks one that it
does not hold. cache: of all requests, in GB. tokens/s: of each request, the lower of what memory and compute allow."""
HEADS = ("prompt", "batch", "most", "cache", "first token", "bound", "by memory", "by compute", "tokens/s", "bound")


def _show(told: "Sequence[Latency]", shared: int) -> None:
    for made, rows in groupby(told, key=lambda each: each.deployment):
        click.echo(click.style(_headline(made, shared), bold=True))
        lines = [HEADS, *(_row(each) for each in rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            click.echo("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
        click.echo()
    click.echo(LEGEND)


def _headline(made: "Deployment", shared: int) -> str:
    several = f"{made.devices} x " if made.devices > 1 else ""
    cached = f"; {shared:,} tokens of a prompt are cached already" if shared else ""
    return (
        f"{made.architecture.name} on {several}{made.device.name}: {made.weight_bytes / 1e9:.1f} GB of weights, "
        f"{made.kv_bytes_per_token / 1024:,.4g} KiB of cache a token{cached}"
    )


def _row(told: "Latency") -> tuple[str, ...]:
    made = told.deployment
    return (
        f"{told.prompt:,}",
        f"{told.batch:,}{'' if told.fits else '*'}",
        f"{made.largest_batch(told.prompt):,}",
        f"{told.batch * told.prompt * made.kv_bytes_per_token / 1e9:.2f}",
        _milliseconds(told.first_token.seconds),
        told.first_token.bound,
        f"{told.memory_bound_rate:,.1f}",
        f"{told.compute_bound_rate:,.1f}",
        f"{told.rate:,.1f}",
        told.token.bound,
    )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms" if seconds < 10 else f"{seconds:,.1f} s"
