"""mtlbench: fair, repeatable comparison of multi-task loss weightings for recommendation.

From Python::

    import mtlbench

    results = mtlbench.run(weightings="rmtl", backbones="all", out="results")
    results.leaderboard()
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"
__all__ = ["Results", "Weigher", "advise", "load", "run", "table"]

if TYPE_CHECKING:
    from mtlbench.advice.advise import advise
    from mtlbench.notebook.own import table
    from mtlbench.notebook.results import Results
    from mtlbench.notebook.running import load, run
    from mtlbench.weigher.weigher import Weigher

_HOMES = {
    "Results": "notebook.results",
    "Weigher": "weigher.weigher",
    "advise": "advice.advise",
    "load": "notebook.running",
    "run": "notebook.running",
    "table": "notebook.own",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: ``import mtlbench`` itself takes no time."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mtlbench' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"mtlbench.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """The names for a notebook's completion."""
    return [*globals(), *__all__]
