"""What makes an installable package of a plugin file."""

from textwrap import dedent

from mtlbench.scaffold.naming import Names


def pyproject(names: Names, kind: str) -> str:
    """``pyproject.toml``, with the entry point by which mtlbench finds the package."""
    return dedent(f"""\
        [build-system]
        requires = ["hatchling"]
        build-backend = "hatchling.build"

        [project]
        name = "{names.distribution}"
        version = "0.1.0"
        description = "The {kind} {names.name} for mtlbench"
        readme = "README.md"
        requires-python = ">=3.11"
        dependencies = ["mtlbench"]

        [project.optional-dependencies]
        test = ["mtlbench[test]"]

        [project.entry-points.mtlbench]
        {names.name} = "{names.package}"
        """)


def readme(names: Names, kind: str) -> str:
    """``README.md``."""
    data = " --data-dir data" if kind == "dataset" else ""
    return dedent(f"""\
        # {names.distribution}

        The {kind} `{names.name}` for [mtlbench](https://github.com/mtlbench/mtlbench).

        ```sh
        python -m pip install .
        mtlbench info {kind} {names.name}
        mtlbench run --{kind} {names.name}{data}
        ```

        The tests hold it against every rule of mtlbench's conformance kit:

        ```sh
        python -m pip install '.[test]' && python -m pytest
        ```
        """)


def hooks(names: Names, kind: str) -> str:
    """The module that the entry point names."""
    return dedent(f'''\
        """The {kind} {names.name} for mtlbench, found through the entry-point group ``mtlbench``."""

        from mtlbench.api import Registrar, hookimpl


        @hookimpl
        def register_{kind}s(register: Registrar) -> None:
            """One file per {kind}: another one beside it is found without a line here."""
            register.package("{names.package}.{kind}s")
        ''')


def test(names: Names, kind: str) -> str:
    """The package's test: the conformance kit."""
    data = ', data_dir=Path(__file__).parents[1] / "data"' if kind == "dataset" else ""
    path = "from pathlib import Path\n\n" if data else ""
    return (
        f'"""{names.name} obeys every rule that mtlbench has for a {kind}."""\n\n'
        f"{path}import pytest\n"
        "from mtlbench.conformance import Case, cases\n\n"
        f"from {names.package}.{kind}s import {names.module}\n\n\n"
        f'@pytest.mark.parametrize("case", cases({names.module}{data}), ids=str)\n'
        "def test_conforms(case: Case) -> None:\n"
        "    case.check()\n"
    )
