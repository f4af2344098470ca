"""The class of all errors that protoface raises on purpose."""


class ProtofaceError(ValueError):
    """Bad input, or something asked for that is not there.

    The message is one line and names the file, the layer or the line, and the remedy where there is
    one. The command line prints it without a traceback and exits with status 2.
    """

    def __init__(self, message: str) -> None:
        # names out of a damaged file may hold anything
        super().__init__(" ".join(message.splitlines()))


class OutputError(ProtofaceError):
    """An output that cannot be written: nothing is wrong with the input."""
