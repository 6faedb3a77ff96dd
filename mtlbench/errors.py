"""The errors that a user is meant to read.

Every message names the thing, the value, what was expected and what to do.
"""


class MtlbenchError(Exception):
    """Base of every error whose message is written for the user, without a traceback."""


class UsageError(MtlbenchError):
    """A command, parameter, file or folder that cannot be used as given (exit code 2, nothing written)."""


class StorageError(UsageError):
    """A result that cannot be written, such as on a full disk. It is no fault of the cell: the run stops, and the same
    command goes on once there is room."""


class DataError(UsageError):
    """A log that is missing, malformed, or cannot be split into a fair train, validation and test part."""


class MtlbenchWarning(UserWarning):
    """Base of every warning whose message is written for the user."""


class TrackerWarning(MtlbenchWarning):
    """A tracker that does not show what a run found; the records have it all the same."""


class DataWarning(MtlbenchWarning):
    """Something about a dataset that whoever reads its results must know, and that does not stop a study."""


class TrainingError(MtlbenchError):
    """Training that cannot give an honest result, such as a diverged loss or a dead critic.

    The cell becomes a failed record that carries this message as its reason; the other cells go on.
    """


def said_of(error: BaseException) -> str:
    """What a user reads of ``error``: its message, after its kind where the message was not written for users."""
    if isinstance(error, MtlbenchError):
        return str(error)
    if is_out_of_memory(error):
        text = f"there is no memory left for this process ({str(error) or 'MemoryError'})"
        return f"{text}; try fewer --jobs, a smaller dataset or --batch-size, or a higher limit"
    return f"{type(error).__name__}: {error}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the system, or a limit on the process, refused memory, in whatever words."""
    words = "allocate memory", "out of memory", "failed to map segment", "can't start new thread"
    return isinstance(error, MemoryError) or any(text in str(error) for text in words)


def did_you_mean(name: str, known: list[str]) -> str:
    """The end of an error message about the unknown ``name``: a suggestion, whatever the case, or all known names."""
    from difflib import get_close_matches

    folded = {one.casefold(): one for one in known}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    if close:
        return f"did you mean {folded[close[0]]!r}?"
    return f"known: {', '.join(sorted(known)) or '(none)'}"
