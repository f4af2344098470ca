"""The verb `train`, after its namesake of Caffe's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from .training_options import FILE_IN, FILE_OUT, FOLDER_OUT, threads_option


@click.command()
@click.option("--solver", type=FILE_IN, help="A solver, as Caffe's.")
@click.option("--recipe", type=FILE_IN, help="A recipe for a whole cascade; see docs/recipes.md.")
@click.option("--out", type=FOLDER_OUT, help="With --recipe: the folder to write.")
@click.option(
    "--epochs-factor",
    type=click.FloatRange(min=0, min_open=True),
    help="With --recipe: scales its epochs, for a trial.",
)
@click.option("--weights", help="Start from these weights (several: separated by commas).")
@click.option("--snapshot", type=FILE_IN, help="Go on from this .solverstate.")
@click.option("--device", help="cpu or cuda; default: the solver's solver_mode, with --recipe cpu.")
@click.option("--dtype", type=click.Choice(["float32", "float64"]), help="Default: float32.")
@click.option("--max-iter", type=click.IntRange(0), help="Instead of the solver's max_iter.")
@click.option("--log", type=FILE_OUT, help="FILE.csv; default: <snapshot_prefix>_loss.csv.")
@click.option("--seed", type=click.IntRange(0), help="Instead of the file's.")
@click.option(
    "--precision",
    help="float32 (default), tf32 or bf16: of convolutions and products on a GPU; with --solver.",
)
@click.option(
    "--graph/--no-graph",
    default=None,
    help="Iterations as one CUDA graph, with --solver; default: yes, for one process on a GPU.",
)
@click.option(
    "--compile",
    "compiled",
    is_flag=True,
    default=None,
    help="Let torch.compile merge the operations of the CUDA graph: a minute at the start.",
)
@threads_option
def train(
    solver: Path | None,
    recipe: Path | None,
    out: Path | None,
    epochs_factor: float | None,
    weights: str | None,
    snapshot: Path | None,
    device: str | None,
    dtype: str | None,
    max_iter: int | None,
    log: Path | None,
    seed: int | None,
    precision: str | None,
    graph: bool | None,
    compiled: bool | None,
    threads: int | None,
) -> None:
    """Train the net that a solver names, or the cascade of a recipe.

    Paths in the files are relative to the working directory. A recipe goes on where it was stopped.
    A solver on several GPUs: torchrun --nproc-per-node N -m -- protoface train ...
    """
    from tqdm import tqdm

    from ..net.device import use_threads

    only_solver = {
        "weights": weights, "snapshot": snapshot, "dtype": dtype, "max-iter": max_iter,
        "precision": precision, "graph": graph, "compile": compiled,
    }  # fmt: skip
    foreign = {"out": out, "epochs-factor": epochs_factor} if solver else {**only_solver, "log": log}
    _check_one(solver, recipe, foreign)
    use_threads(threads)
    if solver is not None:
        from ..solver.train import train as run

        done = run(
            solver, weights, snapshot, device, dtype or "float32", max_iter, log, seed, tqdm.write,
            precision or "float32", graph, bool(compiled),
        )  # fmt: skip
        files = [done.weights, done.state, done.log, done.test_log, done.curves]
        click.echo(f"{done.iteration} iterations done; wrote {', '.join(str(f) for f in files if f)}")
        return
    from ..recipe.recipe_trainer import train_recipe

    if recipe is None or out is None:
        raise click.UsageError("--recipe needs --out, the folder to write")
    train_recipe(recipe, out, seed, device or "cpu", threads, epochs_factor, tqdm.write)
    click.echo(f"the cascade is in {out}")


def _check_one(solver: Path | None, recipe: Path | None, foreign: Mapping[str, object]) -> None:
    """Raise UsageError unless there is one of both, and none of the other one's options."""
    if (solver is None) == (recipe is None):
        raise click.UsageError("give --solver or --recipe, one of them")
    for name, value in foreign.items():
        if value is not None:
            other, given = ("--recipe", "--solver") if solver else ("--solver", "--recipe")
            raise click.UsageError(f"--{name} belongs to {other}, not to {given}")
