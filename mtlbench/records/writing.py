"""Writing one JSON document of the store."""

from pathlib import Path

from pydantic import BaseModel

from mtlbench.errors import StorageError
from mtlbench.files import replacing


def write_model(path: Path, model: BaseModel, what: str) -> None:
    """Write ``model`` as JSON to ``path``, whole or not at all, and make its folder.

    Args:
        path: where to.
        model: what to write.
        what: what it is, for the message.

    Raises:
        StorageError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(f"{model.model_dump_json(indent=1)}\n".encode())
    except OSError as error:
        raise StorageError(
            f"cannot write the {what} {path}: {error.strerror or error}; check that the folder may be written and "
            "that the disk has room, or choose another folder"
        ) from error
