"""The verbs `train`, `test` and `time` of the command line, after their Caffe namesakes."""

from __future__ import annotations

import json
from pathlib import Path

import click

from protoface.converters.files import write_text

_FILE = click.Path(dir_okay=False, path_type=Path)
_IN = click.Path(exists=True, dir_okay=False, path_type=Path)

model_option = click.option("--model", type=_IN, required=True, help="The net, a prototxt.")
device_option = click.option("--device", help="cpu or cuda.", default="cpu", show_default=True)
dtype_option = click.option(
    "--dtype", type=click.Choice(["float32", "float64"]), default="float32", show_default=True
)
threads_option = click.option(
    "--threads", type=click.IntRange(1), help="CPU threads; default: PyTorch's choice."
)
json_option = click.option("--json", "json_file", type=_FILE, help="Write the result as JSON, too.")


@click.command()
@click.option("--solver", type=_IN, required=True, help="The solver, a prototxt.")
@click.option("--weights", help="Start from these weights (several: separated by commas).")
@click.option("--snapshot", type=_IN, help="Go on from this .solverstate.")
@click.option("--device", help="cpu or cuda; default: the solver's solver_mode.")
@dtype_option
@click.option("--max-iter", type=click.IntRange(0), help="Instead of the solver's max_iter.")
@click.option("--log", type=_FILE, help="FILE.csv; default: <snapshot_prefix>_loss.csv.")
@click.option("--seed", type=click.IntRange(0), help="Instead of the solver's random_seed.")
@threads_option
def train(
    solver: Path,
    weights: str | None,
    snapshot: Path | None,
    device: str | None,
    dtype: str,
    max_iter: int | None,
    log: Path | None,
    seed: int | None,
    threads: int | None,
) -> None:
    """Train the net that a solver names; paths in the files are relative to the working directory.

    Several GPUs or processes: torchrun --nproc-per-node N -m -- protoface.trainers train ...
    """
    from tqdm import tqdm

    from .device import use_threads
    from .train import train as run

    use_threads(threads)
    done = run(solver, weights, snapshot, device, dtype, max_iter, log, seed, report=tqdm.write)
    files = [done.weights, done.state, done.log, done.test_log, done.curves]
    click.echo(f"{done.iteration} iterations done; wrote {', '.join(str(f) for f in files if f)}")


@click.command()
@model_option
@click.option("--weights", type=_IN, required=True, help=".caffemodel, .caffemodel.h5 or .pt.")
@click.option("--iterations", type=click.IntRange(1), default=50, show_default=True)
@device_option
@dtype_option
@json_option
def test(
    model: Path,
    weights: Path,
    iterations: int,
    device: str,
    dtype: str,
    json_file: Path | None,
) -> None:
    """Run the TEST phase of a net over batches of its data; prints the mean of every output blob."""
    from .log import flat_scores
    from .score import score

    result = score(model, weights, iterations, device, dtype)
    click.echo(f"loss = {result.loss:.8g} (weighted), mean of {iterations} batches")
    for name, value in flat_scores([result.outputs]).items():
        click.echo(f"{name} = {value:.8g}")
    if json_file is not None:
        write_text(json_file, json.dumps(result.to_json(), indent=1) + "\n")


@click.command()
@model_option
@click.option("--weights", type=_IN, help="Weights; they do not change the times.")
@click.option("--iterations", type=click.IntRange(1), default=50, show_default=True)
@click.option("--batch", type=click.IntRange(1), help="Instead of the file's batch size.")
@threads_option
@device_option
@dtype_option
@json_option
def time(
    model: Path,
    weights: Path | None,
    iterations: int,
    batch: int | None,
    threads: int | None,
    device: str,
    dtype: str,
    json_file: Path | None,
) -> None:
    """Time training passes, forward and backward, per layer and in all, on random pictures."""
    from protoface.cascade.machine import machine, versions

    from .device import use_threads
    from .timing import table, time_net

    use_threads(threads)
    result = time_net(model, weights, iterations, device, dtype, batch)
    click.echo(table(result))
    if json_file is not None:
        content = {**result.to_json(), "machine": machine(), "versions": versions()}
        write_text(json_file, json.dumps(content, indent=1) + "\n")
