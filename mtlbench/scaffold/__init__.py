"""Working plugins to start from, as a file or as an installable package, and a project on one's own log."""

from mtlbench.scaffold.naming import Names
from mtlbench.scaffold.writing import files_of, write

__all__ = ["Names", "files_of", "write"]
