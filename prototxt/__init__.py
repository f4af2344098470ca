"""The project's nets, solvers and cascades as protobuf text, and the generator that wrote them."""
