"""The files of a new plugin, and writing all of them or none."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mtlbench.errors import UsageError
from mtlbench.scaffold import packaging
from mtlbench.scaffold.naming import Names
from mtlbench.scaffold.sample import sample_log

TEMPLATES = Path(__file__).with_name("templates")


def files_of(kind: str, names: Names, package: bool) -> dict[Path, str]:
    """Path -> content of a new plugin of ``kind``, as one file or as an installable package.

    A dataset comes with a small log of made-up rows, where its file expects it below the folder ``data``.
    """
    plugin = names.put_into((TEMPLATES / f"{kind}.py").read_text(encoding="utf-8"), kind)
    if not package:
        files = {Path(f"{names.module}.py"): plugin}
        root = Path()
    else:
        root = Path(names.distribution)
        source = root / "src" / names.package
        files = {
            root / "pyproject.toml": packaging.pyproject(names, kind),
            root / "README.md": packaging.readme(names, kind),
            source / "__init__.py": packaging.hooks(names, kind),
            source / f"{kind}s" / "__init__.py": f'"""One file per {kind}."""\n',
            source / f"{kind}s" / f"{names.module}.py": plugin,
            root / "tests" / f"test_{names.module}.py": packaging.test(names, kind),
        }
    if kind == "dataset":
        files[root / "data" / names.name / "log.csv"] = sample_log()
    return files


def write(files: Mapping[Path, str], folder: Path) -> None:
    """Write ``files`` below ``folder``: all of them or, where one is there already, none.

    Raises:
        UsageError: a file, or the folder of the package, exists; or ``folder`` cannot be written.
    """
    for top in dict.fromkeys(path.parts[0] for path in files if len(path.parts) > 1 and path.parts[0] != "data"):
        if (folder / top).exists():
            raise UsageError(f"{folder / top} is there already; choose another name or another folder")
    for path in files:
        if (folder / path).exists():
            raise UsageError(f"{folder / path} is there already; choose another name or another folder")
    try:
        with tempfile.TemporaryDirectory(prefix=".mtlbench-new-", dir=folder) as scratch:
            for path, content in files.items():
                (Path(scratch) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(scratch) / path).write_text(content, encoding="utf-8")
            for path in files:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.move(Path(scratch) / path, folder / path)
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror}; choose another folder") from error
