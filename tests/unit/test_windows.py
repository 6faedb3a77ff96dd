"""Windows has neither ``fcntl`` nor ``resource``: every module is imported without them."""

import subprocess
import sys

import pytest

IMPORT_ALL = """
import importlib, pkgutil, sys
import torch, distributed  # what they import on this platform is their affair
hidden = ("fcntl", "resource")
for name in hidden:
    sys.modules[name] = None
for name in [name for name in sys.modules if name.partition(".")[0] == "filelock"]:
    del sys.modules[name]
import mtlbench
failed = []
for module in pkgutil.walk_packages(mtlbench.__path__, "mtlbench."):
    if module.name != "mtlbench.__main__":
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            failed.append(f"{module.name}: {error}")
print("\\n".join(failed))
"""


@pytest.mark.slow
def test_every_module_is_imported_without_the_modules_of_unix_alone():
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["", ""], done.stdout
