"""Run the notebooks of docs/tutorials and keep their outputs: ``python docs/build_tutorials.py [NAME ...]``.

A notebook is edited as it is, in Jupyter for example, and this command then makes its outputs.
"""

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

TUTORIALS = Path(__file__).parent / "tutorials"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}
"""The same on every machine."""


def executed(path: Path) -> NotebookNode:
    """The notebook at ``path`` with the outputs of a new run, in an empty folder and with an empty cache.

    Raises:
        CellExecutionError: a cell ends with an error.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory(prefix="mtlbench-tutorial-") as folder:
        commands = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        client = NotebookClient(
            notebook,
            timeout=600,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": folder}},
        )
        client.execute(env={**os.environ, "MTLBENCH_CACHE": str(Path(folder, "cache")), "PATH": commands})
        for cell in notebook.cells:
            cell.metadata = {}
            if cell.cell_type == "code":
                cell.outputs = [tidy(output, folder) for output in cell.outputs if not empty(output)]
    notebook.metadata = METADATA
    return notebook


def tidy(output: NotebookNode, folder: str) -> NotebookNode:
    """``output`` without ``folder`` in its text, and with one form of each picture."""
    if output.output_type == "stream":
        output.text = output.text.replace(f"{folder}{os.sep}", "")
    # GitHub draws SVG of notebooks wrongly: it takes the styles away.
    if "image/png" in output.get("data", {}):
        output.data.pop("image/svg+xml", None)
    return output


def empty(output: NotebookNode) -> bool:
    """Whether ``output`` shows nothing, as a progress bar does after a run that had nothing to do."""
    return output.get("data", {}).get("text/html") == ""


if __name__ == "__main__":
    for path in [TUTORIALS / f"{name}.ipynb" for name in sys.argv[1:]] or sorted(TUTORIALS.glob("*.ipynb")):
        print(path, file=sys.stderr)
        nbformat.write(executed(path), path)
