"""Training one stage: its steps against plain PyTorch, what is kept in the end, snapshots."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from protoface.converters import ProtofaceError, filter_net
from protoface.converters.caffe_pb2 import NetParameter
from protoface.converters.graph import TEST, TRAIN
from protoface.converters.prototxt import parse_message
from protoface.converters.pytorch import to_pytorch
from protoface.converters.weights import write_weights
from protoface.trainers.recipe import recipe_pb2
from protoface.trainers.recipe.adamw import one_cycle
from protoface.trainers.recipe.points_task import points_loss
from protoface.trainers.recipe.sampler import Batch
from protoface.trainers.recipe.stage_trainer import StageTrainer

from .recipe_run import NET

ITERATIONS = 6
CPU = torch.device("cpu")


def net(text: str = NET) -> NetParameter:
    return parse_message(text, NetParameter(), "net")


def options(**values: float) -> recipe_pb2.TrainingParameter:
    loss = recipe_pb2.LossParameter(type=recipe_pb2.LossParameter.EUCLIDEAN, eye_distance_power=0)
    return recipe_pb2.TrainingParameter(loss=loss, base_lr=0.01, **values)


def trainer(seed: int = 0, text: str = NET, **values: float) -> StageTrainer:
    training = options(**values)
    objective = partial(points_loss, training.loss)
    return StageTrainer(net(text), "net.prototxt", training, objective, ITERATIONS, [seed, 1], CPU)


def batch(number: int, count: int = 8) -> Batch:
    generator = torch.Generator().manual_seed(number)
    return Batch(
        torch.randn(count, 3, 16, 16, generator=generator),
        torch.rand(count, 5, 2, generator=generator) * 2 - 1,
        torch.ones(count, 1, 2),
        torch.full((count,), 0.5),
    )


def test_steps_are_those_of_plain_pytorch() -> None:
    """The same training twice: the flat, fused one, and a module with torch.optim's AdamW."""
    ours = trainer(dropout=0, ema=0, statistics=0.8, weight_decay=0.1)
    start = filter_net(ours.weights(), TRAIN)
    for layer in start.layer:
        if layer.type == "BatchNorm":
            layer.batch_norm_param.moving_average_fraction = 0.8
        if layer.type == "Dropout":
            layer.dropout_param.dropout_ratio = 0
    module = to_pytorch(start, "net").train()
    decayed = [blob for blob in module.parameters() if blob.ndim > 1]
    others = [blob for blob in module.parameters() if blob.ndim == 1]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0}]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99))
    for number in range(ITERATIONS):
        rate = one_cycle(ours.training, number, ITERATIONS)
        assert ours.rate() == rate
        for group in optimizer.param_groups:
            group["lr"] = rate
        shown = batch(number)
        optimizer.zero_grad()
        answers = module(shown.inputs).reshape(shown.labels.shape)
        loss = (answers - shown.labels).square().sum((1, 2)).mean() / 2
        loss.backward()
        optimizer.step()
        assert float(ours.step(shown)) == pytest.approx(loss.item(), rel=1e-5)
    assert ours.iteration == ITERATIONS
    trained = to_pytorch(ours.weights(), "net").state_dict()
    for key, blob in module.state_dict().items():
        torch.testing.assert_close(trained[key], blob, rtol=1e-4, atol=2e-5)


def test_units_and_eye_distances_weigh_the_errors() -> None:
    """Twice as wide a unit is twice the error; a face of half the eye distance counts twice."""
    plain = batch(0, count=2)
    wider = Batch(plain.inputs, plain.labels, plain.units * 2, plain.eyes)
    first, second = (float(trainer(dropout=0).step(shown)) for shown in (plain, wider))
    assert second == pytest.approx(4 * first, rel=1e-5)
    made = trainer(dropout=0)
    made.training.loss.eye_distance_power = 1
    uneven = Batch(plain.inputs, plain.labels, plain.units, torch.tensor([0.4, 0.8]))
    answers = trainer(dropout=0).net.results(plain.inputs)[0]["fc"].reshape(2, 5, 2).detach()
    each = (answers - plain.labels).square().sum((1, 2)) / 2
    expected = float((each * torch.tensor([4 / 3, 2 / 3])).mean())
    assert float(made.step(uneven)) == pytest.approx(expected, rel=1e-5)


def test_the_average_is_what_is_kept_and_run() -> None:
    made = trainer(ema=0.5)
    values = [made.parameters.values.clone()]
    for number in range(3):
        made.step(batch(number))
        values.append(made.parameters.values.clone())
    average = values[0]
    for iteration, value in enumerate(values[1:], start=1):
        average = average.lerp(value, 1 - min(0.5, iteration / (iteration + 9)))
    torch.testing.assert_close(made.ema, average)
    inputs = batch(9).inputs
    with torch.no_grad():
        expected = to_pytorch(filter_net(made.weights(), TEST), "net").eval()(inputs)
    np.testing.assert_allclose(made.forward(inputs.numpy()), expected.numpy(), rtol=1e-4, atol=1e-5)


def test_the_same_seed_is_the_same_training_with_dropout_too() -> None:
    made = [trainer(seed, dropout=0.5) for seed in (3, 3, 4)]
    losses = [[float(one.step(batch(number))) for number in range(3)] for one in made]
    assert losses[0] == losses[1] != losses[2]
    assert torch.equal(made[0].ema, made[1].ema)


def test_a_snapshot_goes_on_to_the_last_bit(tmp_path: Path) -> None:
    whole, first = trainer(), trainer()
    for number in range(2):
        whole.step(batch(number))
        first.step(batch(number))
    first.save(tmp_path / "s.pt")
    second = trainer(seed=0)
    second.restore(tmp_path / "s.pt")
    assert second.iteration == 2
    for number in range(2, ITERATIONS):
        assert float(second.step(batch(number))) == float(whole.step(batch(number)))
    assert second.weights() == whole.weights()
    assert [path.name for path in tmp_path.iterdir()] == ["s.pt"]


def test_a_snapshot_of_something_else_is_refused(tmp_path: Path) -> None:
    made = trainer()
    made.save(tmp_path / "s.pt")
    message = r"s\.pt: no snapshot of this stage \(.*\); remove it to train from the start"
    with pytest.raises(ProtofaceError, match=message):
        trainer(text=NET.replace("num_output: 8", "num_output: 4")).restore(tmp_path / "s.pt")
    content = (tmp_path / "s.pt").read_bytes()
    (tmp_path / "s.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(ProtofaceError, match=message):
        made.restore(tmp_path / "s.pt")
    with pytest.raises(ProtofaceError, match=r"no\.pt: No such file"):
        made.restore(tmp_path / "no.pt")


def test_weights_that_are_not_finite_are_refused() -> None:
    made = trainer()
    shown = batch(0)
    made.step(Batch(shown.inputs, shown.labels * float("inf"), shown.units, shown.eyes))
    with pytest.raises(ProtofaceError, match="weights are not finite after iteration 0"):
        made.weights()


def test_training_begins_with_given_weights(tmp_path: Path) -> None:
    """Then it is what the other net answers, and goes on from there."""
    first = trainer(seed=3)
    for number in range(3):
        first.step(batch(number))
    write_weights(tmp_path / "first.caffemodel", first.weights())
    second = trainer(seed=4)
    inputs = np.random.default_rng(0).normal(size=(4, 3, 16, 16)).astype(np.float32)
    assert not np.allclose(second.forward(inputs), first.forward(inputs))
    second.begin_with(tmp_path / "first.caffemodel")
    np.testing.assert_allclose(second.forward(inputs), first.forward(inputs), rtol=1e-5, atol=1e-6)
    second.step(batch(0))
    assert not np.allclose(second.forward(inputs), first.forward(inputs), atol=1e-6)


def test_weights_of_another_net_are_refused(tmp_path: Path) -> None:
    write_weights(tmp_path / "first.caffemodel", trainer().weights())
    wider = trainer(text=NET.replace("num_output: 8", "num_output: 9"))
    with pytest.raises(ProtofaceError, match=r"first.caffemodel: layer 'conv', blob 0"):
        wider.begin_with(tmp_path / "first.caffemodel")
    named = trainer(text=NET.replace('name: "fc"', 'name: "answer"'))
    with pytest.raises(ProtofaceError, match=r"first.caffemodel: has no weights for layer 'answer'"):
        named.begin_with(tmp_path / "first.caffemodel")
