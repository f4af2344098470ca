"""The verb `train`, named as in Caffe."""

from __future__ import annotations

from pathlib import Path

import click

from protoface.converters.commands.path_types import FILE_IN, FILE_OUT
from protoface.converters.terminal import say

from .training_options import dtype_option, threads_option


@click.command()
@click.option("--solver", type=FILE_IN, required=True, help="The solver, a prototxt as Caffe's.")
@click.option(
    "--weights", help="Start from these weights files (several: separated by commas). Default: fillers."
)
@click.option("--snapshot", type=FILE_IN, help="Resume from this .solverstate.")
@click.option("--device", help="cpu or cuda. Default: the solver's solver_mode.")
@dtype_option
@click.option("--max-iter", type=click.IntRange(0), help="Iterations. Default: the solver's max_iter.")
@click.option("--log", type=FILE_OUT, help="FILE.csv. Default: <snapshot_prefix>_loss.csv.")
@click.option("--seed", type=click.IntRange(0), help="Default: the solver's random_seed.")
@click.option(
    "--precision",
    default="float32",
    show_default=True,
    help="float32, tf32 or bf16: arithmetic of convolutions and matrix products on a GPU.",
)
@click.option(
    "--graph/--no-graph",
    default=None,
    help="Run iterations as one CUDA graph. Default: --graph for one process on a GPU.",
)
@click.option(
    "--compile",
    "compiled",
    is_flag=True,
    help="Compile the CUDA graph with torch.compile first (about a minute).",
)
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
    precision: str,
    graph: bool | None,
    compiled: bool,
    threads: int | None,
) -> None:
    """Train the net that a solver names. A whole cascade is trained by `protoface recipe`.

    Paths in the solver and the net are relative to the working directory, as in Caffe. Ctrl-C and
    SIGTERM end it with a snapshot, from which --snapshot resumes.

    \b
    Examples:
      protoface train --solver prototxt/level_1/solver.prototxt
      protoface train --solver solver.prototxt --snapshot snapshots/net_iter_4000.solverstate
      torchrun --nproc-per-node 2 -m -- protoface train --solver solver.prototxt
    """
    from ..net.device import use_threads
    from ..solver.train import train as run

    use_threads(threads)
    done = run(
        solver, weights, snapshot, device, dtype, max_iter, log, seed, say,
        precision, graph, compiled,
    )  # fmt: skip
    files = [done.weights, done.state, done.log, done.test_log, done.curves]
    say(f"{done.iteration} iterations done; wrote {', '.join(str(f) for f in files if f)}")
