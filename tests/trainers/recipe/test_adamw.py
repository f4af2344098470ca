"""AdamW against torch.optim, the cycle of the rate, the average of the weights by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from protoface.converters import build_graph, caffe_pb2
from protoface.converters.prototxt import parse_message
from protoface.converters.pytorch import CaffeNet
from protoface.trainers.net.parameters import Parameters, flatten
from protoface.trainers.recipe import recipe_pb2
from protoface.trainers.recipe.adamw import AdamW, average, one_cycle

from .recipe_run import NET

Training = recipe_pb2.TrainingParameter


def small_net() -> CaffeNet:
    torch.manual_seed(0)
    net = CaffeNet(build_graph(parse_message(NET, caffe_pb2.NetParameter(), "net"), "net"))
    for blob in net.parameters():
        torch.nn.init.normal_(blob, std=0.1)
    return net


def flat(net: CaffeNet) -> Parameters:
    return flatten(net, torch.float32, torch.device("cpu"))


def test_steps_are_those_of_torch_optim() -> None:
    net = small_net()
    theirs = {key: blob.detach().clone().requires_grad_() for key, blob in net.named_parameters()}
    groups = [
        {"params": [blob for blob in theirs.values() if blob.ndim > 1], "weight_decay": 0.1},
        {"params": [blob for blob in theirs.values() if blob.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99))
    parameters = flat(net)
    ours = AdamW(Training(weight_decay=0.1), parameters)
    generator = torch.Generator().manual_seed(1)
    for rate in (0.01, 0.02, 0.005):
        for view in (parameters.views(parameters.gradient),):
            for key, blob in theirs.items():
                blob.grad = torch.randn(blob.shape, generator=generator)
                view[key].copy_(blob.grad)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        ours.step(rate)
    views = parameters.views(parameters.values)
    for key, blob in theirs.items():
        assert torch.allclose(views[key], blob, atol=1e-6), key


def test_multipliers_of_the_net_count() -> None:
    net = parse_message(NET, caffe_pb2.NetParameter(), "net")
    fc = next(layer for layer in net.layer if layer.name == "fc")
    fc.param.add(lr_mult=0, decay_mult=1)
    fc.param.add(lr_mult=2)
    parameters = flat(CaffeNet(build_graph(net, "net")))
    parameters.gradient.fill_(1)
    AdamW(Training(), parameters).step(0.1)
    views = parameters.views(parameters.values)
    assert not views["fc.0"].any()
    assert torch.allclose(views["fc.1"] / views["scale.1"].mean(), torch.full((10,), 2.0))
    assert not views["bn.2"].any()  # BatchNorm's statistics are not the optimiser's


def test_the_rate_rises_in_a_line_and_falls_as_pytorchs_cosine() -> None:
    training = Training(base_lr=0.5, warm_up=0.1, final_lr=0.01)
    rates = [one_cycle(training, i, 101) for i in range(101)]
    assert np.allclose(rates[:10], np.arange(1, 11) * 0.05)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.5)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 91, eta_min=0.005)
    theirs = []
    for _ in range(92):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        cosine.step()
    assert np.allclose(rates[9:], theirs)
    assert rates[-1] == pytest.approx(0.005)


@pytest.mark.parametrize("iterations", [1, 2, 7])
def test_short_trainings_have_rates_too(iterations: int) -> None:
    rates = [one_cycle(Training(base_lr=1), i, iterations) for i in range(iterations)]
    assert all(0 < rate <= 1 for rate in rates)


def test_the_average_by_hand() -> None:
    values = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    ema, expected = torch.zeros(3), np.zeros(3)
    for iteration, row in enumerate(values, start=1):
        average(ema, torch.from_numpy(row), 0.8, iteration)
        kept = min(0.8, iteration / (iteration + 9))
        expected = kept * expected + (1 - kept) * row
    assert np.allclose(ema.numpy(), expected, atol=1e-6)
