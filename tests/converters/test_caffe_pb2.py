"""The schema is Caffe's, field for field; what is committed is current; it lives beside pycaffe's."""

import ast
import csv
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import google.protobuf
import pytest
from google.protobuf import descriptor_pb2

from protoface.converters import caffe_pb2

CONVERTERS = Path(__file__).parents[2] / "converters"
Field = descriptor_pb2.FieldDescriptorProto
# Messages of forks and our own, which BVLC Caffe does not have; converters/caffe.proto names the forks.
FORKS = {
    f"caffe.{name}Parameter"
    for name in (
        "DetectionOutput",
        "Interp",
        "MeanShape",
        "NonMaximumSuppression",
        "Normalize",
        "Permute",
        "PointDistanceLoss",
        "PriorBox",
        "SaveOutput",
        "ShapeHeatmap",
        "ShapeTransform",
        "ShuffleChannel",
        "SimilarityFit",
        "SimilarityWarp",
        "Upsample",
    )
}


def committed() -> descriptor_pb2.FileDescriptorProto:
    content = files("protoface.converters").joinpath("caffe.desc").read_bytes()
    (file,) = descriptor_pb2.FileDescriptorSet.FromString(content).file
    return file


def rows(file):
    """(message, field, number, label, type) and the default's text for everything in the schema."""
    for enum in file.enum_type:
        for value in enum.value:
            yield (f"caffe.{enum.name}", "enum", value.number, value.name, ""), ""
    for message in file.message_type:
        name = f"caffe.{message.name}"
        for enum in message.enum_type:
            for value in enum.value:
                yield (name, f"enum {enum.name}", value.number, value.name, ""), ""
        for field in message.field:
            label = Field.Label.Name(field.label).removeprefix("LABEL_").lower()
            label += " packed" * field.options.packed
            kind = field.type_name.removeprefix(".") or Field.Type.Name(field.type)[5:].lower()
            yield (name, field.name, field.number, label, kind), field.default_value


def default_of(message, field):
    """A field's default as the list writes it: nothing for messages, and for enums without one."""
    descriptor = getattr(caffe_pb2, message.removeprefix("caffe.")).DESCRIPTOR.fields_by_name[field]
    value = descriptor.default_value
    if descriptor.enum_type is not None:
        return descriptor.enum_type.values_by_number[value].name if descriptor.has_default_value else ""
    return "" if value in (None, b"") else value


def test_every_field_is_caffes(shared):
    ours = {row for row, _ in rows(committed())}
    with open(shared / "caffe_proto_fields.csv", newline="") as file:
        listed = list(csv.DictReader(file))
    theirs = {
        (row["message"], row["field"], int(row["number"]), row["label"], row["type"]) for row in listed
    }
    assert theirs <= ours
    assert {row[0] for row in ours - theirs if row[0] != "caffe.LayerParameter"} == FORKS
    added = {row for row in ours - theirs if row[0] == "caffe.LayerParameter"}
    assert {row[4] for row in added} <= FORKS
    assert len({row[2] for row in ours if row[0] == "caffe.LayerParameter"}) == len(
        [row for row in ours if row[0] == "caffe.LayerParameter"]
    )
    assert len(listed) == len(theirs) == 534
    for row in listed:
        if row["field"].split()[0] == "enum" or row["label"].startswith("repeated"):
            continue
        value = default_of(row["message"], row["field"])
        if isinstance(value, bool):
            assert str(value) == (row["default"] or "False"), row
        elif isinstance(value, int | float):
            assert value == float(row["default"] or 0), row
        else:
            assert value == row["default"], row


def test_the_descriptor_set_is_what_protoc_makes(tmp_path):
    protoc = pytest.importorskip("grpc_tools.protoc")
    made = tmp_path / "caffe.desc"
    arguments = [f"-I{CONVERTERS}", f"--descriptor_set_out={made}", f"--pyi_out={tmp_path}"]
    assert protoc.main(["protoc", *arguments, str(CONVERTERS / "caffe.proto")]) == 0
    (file,) = descriptor_pb2.FileDescriptorSet.FromString(made.read_bytes()).file
    assert file == committed(), "run `make proto`"
    stubs = [(folder / "caffe_pb2.pyi").read_text() for folder in (tmp_path, CONVERTERS)]
    assert fields(stubs[0]) == fields(stubs[1]), "run `make proto`"


def fields(stub):
    """Class -> its annotated names; the rest of a stub is protoc's taste, which changes."""
    classes = [node for node in ast.walk(ast.parse(stub)) if isinstance(node, ast.ClassDef)]
    return {
        node.name: [item.target.id for item in node.body if isinstance(item, ast.AnnAssign)]
        for node in classes
    }


def run_check(**environment):
    script = Path(__file__).with_name("schema_check.py")
    result = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_beside_another_caffe_in_the_default_pool():
    assert run_check() == google.protobuf.__version__


def test_with_protobuf_in_pure_python():
    assert run_check(PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION="python") == google.protobuf.__version__


def test_with_other_versions_of_protobuf():
    """`PROTOFACE_PROTOBUFS`: folders made by `pip install --target FOLDER protobuf==4.25.8` etc."""
    folders = os.environ.get("PROTOFACE_PROTOBUFS", "").split(os.pathsep)
    if folders == [""]:
        pytest.skip("PROTOFACE_PROTOBUFS names no folders with other versions of protobuf")
    versions = [run_check(PYTHONPATH=folder) for folder in folders]
    assert google.protobuf.__version__ not in versions


def test_unknown_names_are_errors():
    assert not hasattr(caffe_pb2, "AnnotatedDatum")  # a fork's
    with pytest.raises(ValueError, match="no_such_field"):
        caffe_pb2.NetParameter(no_such_field=1)
