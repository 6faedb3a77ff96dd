"""Template Tracker: put your tool in the place of the file that this one writes, its docstring first."""

import json

from pydantic import Field

from mtlbench import api


class TemplateTracker(api.Tracker):
    """A line of JSON for each cell, in a file of the results folder.

    A cell that is trained again is another line.
    """

    name, label = "template-tracker", "Template Tracker"
    # A tool that must be installed: package, install = "aim", "pip install aim"

    class Params(api.Params):
        """Parameters of ``template-tracker``."""

        file: str = Field("cells.jsonl", min_length=1, description="name of the file, in the results folder")

    params: Params

    def log(self, cell: api.TrackedCell) -> None:
        """Append a line."""
        line = {"name": cell.name, **cell.tags, **cell.scores}
        with (self.out / self.params.file).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
