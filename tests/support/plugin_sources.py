"""Sources of small plugin files for tests."""

from pathlib import Path

HEAD = """
import torch
from pydantic import Field

from mtlbench import api

"""


def weighting(name: str, *, class_name: str = "Mine", body: str = "return api.ones(step)", params: str = "") -> str:
    """Source of a weighting plugin."""
    lines = [f"class {class_name}(api.Weighting):", f'    """{name}: a weighting of a test."""', ""]
    lines.append(f'    name, label = "{name}", "{name.title()}"')
    if params:
        lines += ["", "    class Params(api.Params):", *(f"        {line}" for line in params.splitlines())]
    lines += ["", "    def weigh(self, step):", f"        {body}", ""]
    return HEAD + "\n".join(lines)


BACKBONE = (
    HEAD
    + '''
class Net(api.Backbone):
    """A backbone of a test."""

    name, label = "{name}", "Net"

    class Params(api.ExpertSizes):
        """Parameters."""

        own: int = Field(3, ge=1, le=9, description="a size of its own")

    def __init__(self, schema, params):
        super().__init__()
        self.schema, self.params = schema, params

    def forward(self, inputs):
        raise NotImplementedError
'''
)

DATASET = (
    HEAD
    + '''
class Data(api.Dataset):
    """A dataset of a test."""

    name, label = "{name}", "Data"

    def load(self, root):
        raise NotImplementedError
'''
)


def write(folder: Path, file: str, source: str) -> Path:
    """``source`` as a file in ``folder``."""
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return path
