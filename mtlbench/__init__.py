"""mtlbench: fair, repeatable comparison of multi-task loss weightings for recommendation."""

__version__ = "0.1.0"
