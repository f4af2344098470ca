"""The errors that protoface raises on purpose, and what the errors of libraries say."""


class ProtofaceError(ValueError):
    """Bad input, or something asked for that is not there.

    The message is one line and names the file, the layer or the line, and the remedy where there is
    one. The command line prints it without a traceback and exits with status 2.
    """

    def __init__(self, message: str) -> None:
        # names out of a damaged file may hold anything
        super().__init__(" ".join(message.splitlines()))


def reason(error: Exception, otherwise: str = "") -> str:
    """What a library's error says, in one line; `otherwise` where it says nothing.

    OpenCV's have the words alone in `err`, without its version and source file.
    """
    said = getattr(error, "err", None) or str(error)
    return next(iter(said.strip().splitlines()), otherwise)


class OutputError(ProtofaceError):
    """An output that cannot be written: nothing is wrong with the input."""
