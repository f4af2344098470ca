"""BatchNorm: TEST by sums / factor, TRAIN by the batch, statistics as Caffe accumulates them."""

import numpy as np
import pytest
import torch

from protoface.converters import ProtofaceError, build_graph, to_onnx
from protoface.converters.blobs import to_array
from protoface.converters.graph import TEST, TRAIN
from protoface.converters.layers.batch_norm import statistics
from protoface.converters.pytorch import from_pytorch, to_pytorch

FRACTION = float(np.float32(0.999))  # the message's default, as Caffe holds it


def per_channel(values, rank):
    return values.reshape(-1, *(1,) * (rank - 2))


def by_statistics(eps=1e-5):
    """The TEST phase: sums of means and of variances divided by their factor."""

    def reference(bottoms, blobs):
        x, (means, variances, factor) = bottoms[0], blobs
        scale = 0 if factor[0] == 0 else 1 / factor[0]
        mean, variance = (per_channel(blob * scale, x.ndim) for blob in (means, variances))
        return (x - mean) / np.sqrt(variance + float(np.float32(eps)))

    return reference


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 4), (1, 3, 4, 5)])
def test_sums_are_divided_by_the_factor(parity, shape):
    parity("BatchNorm", "", [shape], by_statistics())


@pytest.mark.parametrize("eps", [1e-3, 1e-8, 2.0])
def test_eps(parity, eps):
    parity("BatchNorm", f"batch_norm_param {{ eps: {eps} }}", [(1, 3, 4, 5)], by_statistics(eps))


def test_one_axis_is_one_channel(one_layer, filled):
    net = filled(one_layer("BatchNorm", "", [(5,)]))
    x = np.arange(5.0)
    expected = by_statistics()([x[:, None]], blobs_of(net))
    y = to_pytorch(net, "net").double()(torch.from_numpy(x))
    np.testing.assert_allclose(y.numpy(), expected[:, 0], rtol=1e-12)


@pytest.mark.parametrize("factor", [0.0, 999.98236])
def test_factor(agree, one_layer, factor):
    """0 is an untrained layer, whose statistics count as 0; 999.98 is what the published nets hold."""
    net = one_layer("BatchNorm", "", [(1, 2, 3, 3)])
    for values in ([300.0, -200.0], [2000.0, 500.0], [factor]):
        net.layer[-1].blobs.add(data=values).shape.dim.append(len(values))
    agree(net, lambda feed: {"y": by_statistics()([feed["x0"].astype(np.float64)], blobs_of(net))})


def blobs_of(net):
    return [to_array(blob, "net").astype(np.float64) for blob in net.layer[-1].blobs]


def in_training(one_layer, options, shape):
    """A BatchNorm in TRAIN phase, float64, with its statistics at 0 as Caffe starts."""
    net = one_layer("BatchNorm", options, [shape])
    net.layer[-1].phase = TRAIN
    return to_pytorch(net, "net").double()


def test_training_normalises_by_the_batch_and_adds_to_the_sums(one_layer):
    module = in_training(one_layer, "", (4, 3, 2, 5))
    batches = np.random.default_rng(0).normal(2, 3, (3, 4, 3, 2, 5))
    means, variances, factor = np.zeros(3), np.zeros(3), 0.0
    count = 4 * 2 * 5
    for x in batches:
        mean, biased = x.mean((0, 2, 3)), x.var((0, 2, 3))
        means = FRACTION * means + mean
        variances = FRACTION * variances + biased * count / (count - 1)
        factor = FRACTION * factor + 1
        expected = (x - per_channel(mean, 4)) / np.sqrt(
            per_channel(biased, 4) + float(np.float32(1e-5))
        )
        np.testing.assert_allclose(module(torch.from_numpy(x)).numpy(), expected, atol=1e-12)
    state = module.state_dict()
    for index, expected in enumerate((means, variances, [factor])):
        np.testing.assert_allclose(state[f"layer.{index}"].numpy(), expected, rtol=1e-12)


def test_moving_average_fraction(one_layer):
    module = in_training(one_layer, "batch_norm_param { moving_average_fraction: 0.5 }", (8, 1))
    for _ in range(3):
        module(torch.arange(8.0, dtype=torch.float64)[:, None])
    state = module.state_dict()
    assert state["layer.2"].item() == 1.75
    np.testing.assert_allclose(state["layer.0"].item(), 1.75 * 3.5)
    np.testing.assert_allclose(state["layer.1"].item(), 1.75 * np.arange(8).var(ddof=1))


def test_statistics_of_training_are_what_testing_uses(one_layer):
    module = in_training(one_layer, "", (6, 2, 3, 3))
    x = torch.from_numpy(np.random.default_rng(1).normal(5, 2, (6, 2, 3, 3)))
    module(x)
    blobs = [value.numpy() for value in module.state_dict().values()]
    np.testing.assert_allclose(
        module.eval()(x).numpy(), by_statistics()([x.numpy()], blobs), atol=1e-12
    )


def test_one_value_per_channel_in_training(one_layer):
    """Caffe knows no special case: the variance is 0, and m/(m-1) is taken as 1."""
    module = in_training(one_layer, "", (1, 3))
    assert module(torch.tensor([[1.0, -2.0, 3.0]], dtype=torch.float64)).tolist() == [[0, 0, 0]]
    assert module.state_dict()["layer.0"].tolist() == [1, -2, 3]
    assert module.state_dict()["layer.1"].tolist() == [0, 0, 0]


def test_one_axis_in_training(one_layer):
    module = in_training(one_layer, "", (4,))
    module(torch.tensor([1.0, 2.0, 3.0, 6.0], dtype=torch.float64))
    assert module.state_dict()["layer.0"].tolist() == [3]
    np.testing.assert_allclose(module.state_dict()["layer.1"].item(), 14 / 3)


def test_use_global_stats_in_training_leaves_the_statistics(one_layer, filled):
    net = filled(one_layer("BatchNorm", "batch_norm_param { use_global_stats: true }", [(2, 3)]))
    net.layer[-1].phase = TRAIN
    module = to_pytorch(net, "net").double()
    assert module.training
    x = np.random.default_rng(2).normal(0, 1, (2, 3))
    y = module(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(y, by_statistics()([x], blobs_of(net)), atol=1e-12)
    after = blobs_of(from_pytorch(module, net))
    assert all(map(np.array_equal, after, blobs_of(net)))


def test_batch_statistics_in_testing_are_not_written_to_onnx(one_layer, filled):
    """`use_global_stats: false` normalises by the batch in TEST too: PyTorch can, ONNX is refused."""
    net = filled(one_layer("BatchNorm", "batch_norm_param { use_global_stats: false }", [(4, 2)]))
    net.layer[-1].phase = TEST
    x = torch.randn(4, 2, dtype=torch.float64)
    y = to_pytorch(net, "net").double()(x)
    torch.testing.assert_close(y, (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5).sqrt())
    with pytest.raises(ProtofaceError, match=r"layer 'layer' \(BatchNorm\): use_global_stats: false"):
        to_onnx(net, "net")


def test_statistics_hold_the_type_of_the_blobs():
    mean, variance = statistics([np.float32([6, 9]), np.float32([3, 1.5]), np.float32([3])])
    assert mean.dtype == variance.dtype == np.float32
    np.testing.assert_allclose(mean, [2, 3])
    np.testing.assert_allclose(variance, [1, 0.5])


@pytest.mark.parametrize(
    ("shapes", "message"), [([(1, 2), (1, 2)], "has 2 bottoms, Caffe takes 1"), ([()], "single number")]
)
def test_bad_bottoms(one_layer, shapes, message):
    with pytest.raises(ProtofaceError, match=rf"layer 'layer' \(BatchNorm\): .*{message}"):
        build_graph(one_layer("BatchNorm", "", shapes), "net")
