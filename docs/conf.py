"""The documentation as a site: every page and notebook of this folder, and the API from its docstrings.

``sphinx-build -W --keep-going docs build/docs`` fails on a page that is not in the contents, on a dead link, and on a
docstring that is not valid.
"""

import sys
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "mtlbench"
author = "the mtlbench maintainers"
version = release = metadata.version("mtlbench")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "boards",
    "norms",
    "plugin_pages",
]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".rst": "restructuredtext"}
exclude_patterns = ["_ext", "_static", "**/.ipynb_checkpoints"]

myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]
nb_execution_mode = "off"  # notebooks keep their outputs: `python docs/build_tutorials.py`

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "separated"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False

nitpicky = True
nitpick_ignore_regex = [
    # Other packages have their own sites. Types in signatures name the module that defines them, which has no page.
    (r"py:.*", r"(?!mtlbench\.).*"),
    (r"py:.*", r"mtlbench\.\w+\.\w+\..*"),
]

html_theme = "furo"
html_title = f"mtlbench {release}"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["notebooks.css"]
