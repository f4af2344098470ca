"""The models of the package by what their first stage does."""

from protoface.cascade.definition import NAMES, read_definition

#: Models that find faces: they keep some of what they see. The others take a picture for one face.
FINDERS = [
    name
    for name, path in NAMES.items()
    if any(stage.HasField("keep") for stage in read_definition(path).stage)
]
