"""24 pixels end in 3 x 3 places."""

import os

from protoface.converters import build_graph, deployed, read_net

from .generator import run


def test_the_small_net_ends_in_3_x_3(tmp_path):
    run("--out", tmp_path, "--net", "small", "--size", 24, "--deploy", "first", "--deploy", "second")
    for name in ("first", "second"):
        assert os.listdir(tmp_path / name) == ["deploy.prototxt"]
        text = (tmp_path / name / "deploy.prototxt").read_text()
        assert text.startswith(
            f"# {name}, written by: python -m protoface.prototxt.generate --size 24 --net small "
            f"--deploy {name}\n"
        )
        graph = build_graph(deployed(read_net(tmp_path / name / "deploy.prototxt")), name)
        shapes = {node.name: node.tops[0].shape for node in graph.nodes}
        assert shapes["conv1_new"] == (1, 16, 12, 12)
        assert shapes["conv3_2/out/pw_new"] == (1, 64, 3, 3)
        assert [name for name in shapes if name.startswith("fuse")] == [
            f"fuse_conv{number}_2" for number in (1, 2, 3)
        ]
    assert len(graph.blob_specs()["fc1.0"].shape) == 2
