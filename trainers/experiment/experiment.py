"""The whole experiment, stage by stage: data, level 1, crop, level 2, conversion, figures.

Each stage is a command of its own, which is shown before it runs, and is left out where its result is
there already. `demo` and `reproduce` say what is to be done; this module does it.
"""

from __future__ import annotations

import json
import shlex
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from protoface.cascade.cascade import Cascade, load
from protoface.cascade.definition import FILE, ORIGINAL, find_definition
from protoface.cascade.measure.machine import machine
from protoface.cascade.measure.step_times import Row, measure, table
from protoface.cascade.parallel import cores
from protoface.cascade.pictures import read_picture
from protoface.converters import ProtofaceError, caffe_pb2, convert
from protoface.converters.check import Difference, check_converted
from protoface.converters.files import PathLike, read_bytes, replacing, write_text
from protoface.converters.prototxt import to_text
from protoface.eval.compare import Comparison, as_markdown
from protoface.eval.compare import compare as compare_rows
from protoface.eval.datasets.dataset import Dataset, list_dataset
from protoface.eval.evaluation import Measured, evaluate_cascade
from protoface.eval.plots import contact_sheet
from protoface.prototxt import generate

from ..net.device import use_threads
from ..sets.crop import crop, load_levels
from ..sets.prepare import prepare
from ..solver.snapshot import STATE
from ..solver.timing import time_net
from ..solver.train import train

LEVELS = ("level_1", "level_2")
SHEET = 24  # faces in the picture of results
Solver = caffe_pb2.SolverParameter
Say = Callable[[str], None]


@dataclass(frozen=True)
class Schedule:
    """How one level is trained: fields of its solver, `batch` pictures a step, `dropout` of the net.

    `remembered` is BatchNorm's moving_average_fraction: how much of its statistics an iteration keeps.
    `warm`: it begins with the weights of the level before, which has the same net.
    """

    iterations: int
    batch: int
    base_lr: float
    lr_policy: str
    stepvalue: tuple[int, ...] = ()
    iter_size: int = 1
    dropout: float = 0.3
    remembered: float = 0.999
    warm: bool = False


@dataclass(frozen=True)
class Plan:
    """What is to be done. `data` is a folder in CelebA's layout, `out` where everything goes.

    `device` is cpu or cuda, `mode` that of windows and rounding, `drop` the level-1 error (fraction of
    the diagonal) from which on pictures are left out of level 2's data, `faces` how many were drawn for
    it, if any.
    """

    data: str
    out: str
    schedules: tuple[Schedule, Schedule]
    mode: str
    drop: float
    seed: int
    device: str
    faces: int = 0


@dataclass(frozen=True, eq=False)
class Outcome:
    """The result: the cascade's folder, test errors, conversions, times, the table, files."""

    folder: Path
    test: Measured
    conversions: dict[str, list[Difference]]
    timings: list[Row]
    rows: list[Comparison]
    results: Path
    picture: Path

    def error(self, normaliser: str, level: int) -> float:
        """Mean error of a level (0 or 1) over the test pictures, a fraction of the normaliser."""
        summary = self.test.summary(normaliser, level)
        return float("nan") if summary is None else float(summary.mean)

    @property
    def agree(self) -> bool:
        """Whether every converted file computes what the trained net does, in every runtime."""
        return all(found.agrees for all_found in self.conversions.values() for found in all_found)


def run(plan: Plan, say: Say = print) -> Outcome:
    """Do all stages that are not done yet, in `plan.out`. Raises ProtofaceError."""
    out = Path(plan.out)
    claim(plan)
    data = out / "data"
    _show(say, "prepare", "--data", plan.data, "--out", data / LEVELS[0], "--seed", plan.seed)
    prepared = prepare(plan.data, data / LEVELS[0], seed=plan.seed)
    say(f"  {prepared.counts}, left out: {prepared.bad}")
    write_text(out / FILE, find_definition(ORIGINAL).read_text(encoding="utf-8"))
    _train_level(plan, 0, say)
    _crop(plan, say)
    _train_level(plan, 1, say)
    conversions = _convert(plan, say)
    return _figures(plan, conversions, say)


def claim(plan: Plan) -> None:
    """Keep the plan beside its results. Raises ProtofaceError if the folder has another plan's."""
    path = Path(plan.out) / "plan.json"
    text = json.dumps(asdict(plan), indent=1) + "\n"
    if not path.exists():
        write_text(path, text)
    elif path.read_text(encoding="utf-8") != text:
        raise ProtofaceError(
            f"{path}: this folder was begun with other settings; remove it or name another one (--out)"
        )


def _show(say: Say, *words: object) -> None:
    say("$ protoface " + shlex.join(str(word) for word in words))


def write_level(plan: Plan, number: int, test_pictures: int) -> Path:
    """Write a level's nets and solver into `plan.out`; returns the solver's path."""
    name, schedule, out = LEVELS[number], plan.schedules[number], Path(plan.out)
    net = generate.train_val_net(name, generate.Size())
    for layer in net.layer:
        if layer.type == "ImageData":
            options = layer.image_data_param
            options.source = f"{out.as_posix()}/{options.source}"
            options.root_folder = f"{out.as_posix()}/{options.root_folder}"
            options.batch_size = schedule.batch
        elif layer.type == "Dropout":
            layer.dropout_param.dropout_ratio = schedule.dropout
        elif layer.type == "BatchNorm" and schedule.remembered != Schedule.remembered:
            layer.batch_norm_param.moving_average_fraction = schedule.remembered
    solver = generate.solver(name, (out / name).as_posix(), schedule.iterations)
    del solver.stepvalue[:], solver.test_iter[:]
    changed = Solver(
        base_lr=schedule.base_lr,
        lr_policy=schedule.lr_policy,
        stepvalue=schedule.stepvalue,
        iter_size=schedule.iter_size,
        test_iter=[-(-test_pictures // schedule.batch)],
        test_interval=max(1, schedule.iterations // 4),
        display=max(1, schedule.iterations // 10),
        snapshot=max(1, schedule.iterations // 4),
        snapshot_prefix=(out / name / "snapshots" / name).as_posix(),
        solver_mode=Solver.GPU if plan.device.startswith("cuda") else Solver.CPU,
        random_seed=plan.seed,
    )
    if schedule.lr_policy == "poly":
        changed.power = 1
    solver.MergeFrom(changed)
    write_text(out / name / "train_val.prototxt", to_text(net))
    write_text(out / name / "deploy.prototxt", to_text(generate.deploy_net(name, generate.Size())))
    write_text(out / name / "solver.prototxt", to_text(solver))
    return out / name / "solver.prototxt"


def _train_level(plan: Plan, number: int, say: Say) -> None:
    name, out = LEVELS[number], Path(plan.out)
    final = out / name / f"{name}.caffemodel"
    if final.exists():
        say(f"  {final} is there already")
        return
    lists = out / "data" / name
    for needed in ("train.txt", "test.txt"):
        if not (lists / needed).exists():
            raise ProtofaceError(f"{lists / needed}: no pictures to train or test {name} with")
    pictures = len((lists / "test.txt").read_text(encoding="utf-8").splitlines())
    solver = write_level(plan, number, pictures)
    if plan.device == "cpu":
        _use_threads(out / name, say)
    state = newest_state(out / name / "snapshots")
    weights = None
    if plan.schedules[number].warm and state is None:
        weights = out / LEVELS[number - 1] / f"{LEVELS[number - 1]}.caffemodel"
    options = {"--weights": weights, "--snapshot": state}
    more = [word for option, path in options.items() if path for word in (option, path)]
    _show(say, "train", "--solver", solver, "--device", plan.device, *more)
    done = train(solver, weights, state, plan.device, report=lambda line: say(f"  {line}"))
    if done.weights is None:  # the snapshot was the last one already
        done_weights = Path(f"{out / name / 'snapshots' / name}_iter_{done.iteration}.caffemodel")
    else:
        done_weights = done.weights
    with replacing(final) as temporary:
        temporary.write_bytes(done_weights.read_bytes())


def _use_threads(folder: Path, say: Say) -> None:
    """Choose a number of threads once for a level: by another one sums would be rounded elsewhere."""
    path = folder / "threads.json"
    if path.exists():
        use_threads(int(read_bytes(path)))
    else:
        write_text(path, f"{choose_threads(folder / 'train_val.prototxt', say)}\n")


def choose_threads(net: Path, say: Say) -> int:
    """Use one thread or one for each core, whichever is faster for this net at the moment.

    Threads wait for each other at every layer. Where another process holds one of their cores, two of
    them can be ten times slower than one.
    """
    speeds = {}
    for threads in sorted({1, cores(None)}):
        use_threads(threads)
        speeds[threads] = time_net(net, iterations=4, by_layer=False).pictures_per_second
    best = max(speeds, key=lambda threads: speeds[threads])
    use_threads(best)
    tried = ", ".join(f"{threads}: {speed:.0f} pictures/s" for threads, speed in speeds.items())
    say(f"  threads: {best} ({tried})")
    return best


def newest_state(folder: Path) -> Path | None:
    """The .solverstate of the highest iteration in a folder, or None."""
    states = folder.glob(f"*_iter_*{STATE}")
    return max(states, key=lambda path: int(path.stem.rpartition("_")[2]), default=None)


def _crop(plan: Plan, say: Say) -> None:
    out = Path(plan.out)
    target = out / "data" / LEVELS[1]
    options = ("--drop", plan.drop, "--mode", plan.mode, "--seed", plan.seed)
    _show(say, "crop", "--data", plan.data, "--model", out, "--out", target, *options)
    levels = load_levels(out, mode=plan.mode)
    done = crop(plan.data, levels, target, plan.drop, seed=plan.seed)
    say(f"  {done.counts}, dropped: {done.dropped}, left out: {done.bad}, errors: {done.histogram}")


def _convert(plan: Plan, say: Say) -> dict[str, list[Difference]]:
    """ONNX and HDF5 of both levels, each read back and compared in every runtime."""
    found: dict[str, list[Difference]] = {}
    for name in LEVELS:
        folder = Path(plan.out) / name
        for suffix, fold in ((".onnx", True), (".caffemodel.h5", False)):
            inputs = (folder / "deploy.prototxt", folder / f"{name}.caffemodel")
            target = folder / f"{name}{suffix}"
            _show(say, "convert", *inputs, "--out", target, *(["--fold-bn"] if fold else []), "--check")
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                differences = check_converted(target, convert(*inputs, target, fold_bn=fold))
            for warning in caught:
                say(f"  {warning.message}")
            found[target.name] = differences
            for difference in differences:
                verdict = "agrees" if difference.agrees else "DIFFERS"
                say(f"  {difference.runtime}: {verdict}, {difference.difference:.1e} at most")
    return found


def dataset(data: PathLike, part: str, seed: int = 0, at_most: int | None = None) -> Dataset:
    """A part of an annotated set, split as `prepare` splits it, to be measured.

    Of more than `at_most` pictures so many are taken, at equal distances.
    """
    chosen = list_dataset(data, seed).partition(part)
    return (chosen if at_most is None else chosen.evenly(at_most)).existing()


def _figures(plan: Plan, conversions: dict[str, list[Difference]], say: Say) -> Outcome:
    out = Path(plan.out)
    cascade = load(out, mode=plan.mode, threads=1)
    _show(say, "bench", "--model", out, "--mode", plan.mode)
    test = evaluate_cascade(cascade, dataset(plan.data, "test", plan.seed))
    chosen = np.linspace(0, len(test.kept) - 1, min(SHEET, len(test.kept))).astype(int).tolist()
    images = [read_picture(test.dataset.paths[test.kept[row]]) for row in chosen]
    timings = measure([cascade], images, [1], runs=100, threads=1)
    for line in table(timings, cascade):
        say(f"  {line}".rstrip())
    _show(say, "compare", "--celeba", plan.data, "--model", out, "--mode", plan.mode)
    rows = _compare(plan, cascade, timings, len(test.dataset))
    picture, results = out / "results.jpg", out / "results.md"
    with replacing(picture) as temporary:
        temporary.write_bytes(contact_sheet(test, chosen))
    outcome = Outcome(out, test, conversions, timings, rows, results, picture)
    write_text(results, report(outcome))
    return outcome


def _compare(plan: Plan, cascade: Cascade, timings: Sequence[Row], at_most: int) -> list[Comparison]:
    """The table, over `at_most` pictures of each part: those for training tell enough in so many."""
    weights = [Path(plan.out) / name / f"{name}.caffemodel" for name in LEVELS]

    def part(name: str) -> Dataset:
        return dataset(plan.data, name, plan.seed, at_most)

    return compare_rows(cascade, weights, part, timings, machine()["processor"])


def report(outcome: Outcome) -> str:
    """The results as markdown: errors, conversions, the table beside what was published."""
    lines = [f"# Results on {len(outcome.test.kept):,} pictures of {outcome.test.dataset.name}", ""]
    lines += error_lines(outcome)
    for name, found in outcome.conversions.items():
        worst = max(difference.difference for difference in found)
        lines.append(f"- {name}: {len(found)} runtimes, largest difference {worst:.1e}")
    lines += [
        "",
        as_markdown(outcome.rows),
        "",
        f"![truth green, level 1 red, level 2 blue]({outcome.picture.name})",
    ]
    return "\n".join(lines) + "\n"


def error_lines(outcome: Outcome) -> list[str]:
    """A line for each level, with both normalisers."""
    names = ("level 1", "cascade")
    return [
        f"- {name}: mean error {100 * outcome.error('image_diagonal', level):.2f} % of the picture's "
        f"diagonal, {100 * outcome.error('inter_pupil', level):.2f} % of the eye distance"
        for level, name in enumerate(names)
    ]
