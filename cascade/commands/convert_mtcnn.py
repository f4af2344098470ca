"""The verb `convert-mtcnn`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from protoface.converters.commands.path_types import PATH_IN, PATH_OUT
from protoface.converters.terminal import say

from ..mtcnn.weight_layouts import LAYOUTS, PROTOFACE


@click.command()
@click.argument("source", type=PATH_IN)
@click.option(
    "--out",
    type=PATH_OUT,
    required=True,
    help="The folder to write, or for a single SOURCE the file.",
)
@click.option(
    "--to",
    type=click.Choice(list(LAYOUTS)),
    default=PROTOFACE.name,
    show_default=True,
    help="Whose layout: protoface's, Caffe's det1 to det3, or facenet-pytorch's.",
)
def convert_mtcnn(source: Path, out: Path, to: str) -> None:
    """Convert MTCNN's weights between Caffe's, facenet-pytorch's and protoface's layout, bit for bit.

    SOURCE is a folder with det1 to det3.caffemodel, or pnet, rnet and onet.pt or .caffemodel; then OUT
    is a folder, in protoface's layout a model: `protoface detect photo.jpg --model OUT`. Or SOURCE is
    one such file, and OUT a .caffemodel, .caffemodel.h5, .pt or .onnx. The layout of SOURCE is seen by
    its names.

    \b
    Examples:
      protoface convert-mtcnn site-packages/facenet_pytorch/data --out mtcnn/
      protoface convert-mtcnn det3.caffemodel --out onet.onnx
      protoface convert-mtcnn mtcnn/ --out caffe/ --to caffe
    """
    from ..mtcnn.weight_files import convert_file, convert_folder

    if source.is_dir():
        written = convert_folder(source, out, to)
    else:
        convert_file(source, out, to)
        written = [out]
    for path in written:
        say(f"written: {path} ({os.path.getsize(path):,} bytes)")
