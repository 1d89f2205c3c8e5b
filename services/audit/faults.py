"""What a verification ends with when something is wrong."""


class Fault(Exception):
    """Not the log that was signed. `position` is the first log position known to be bad; 0 if none can be named."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(f"position {position}: {message}" if position else message)
        self.position = position


def because(error: Exception) -> str:
    """What is wrong with a file, without the system's number and without its name, which is told anyway."""
    return (isinstance(error, OSError) and error.strerror) or str(error)
