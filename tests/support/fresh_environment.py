"""A virtual environment on top of the one that the tests run in: what is installed into it is gone with it."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path


class FreshEnvironment:
    """Commands run as after ``pip install mtlbench[test]`` in a new environment, without a network.

    Packages built in it take their build backend from the environment of the tests.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        site = folder / "lib" / version / "site-packages"
        below = sysconfig.get_path("purelib")
        (site / "below.pth").write_text(f"import site; site.addsitedir({below!r})\n")
        self._script("mtlbench", "from mtlbench.cli import main\nmain()")
        self._script("pytest", "import sys, pytest\nsys.exit(pytest.main())")

    def run(self, command: str, folder: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a shell ``command`` in ``folder``."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")},
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "VIRTUAL_ENV": str(self.folder),
            "PIP_NO_BUILD_ISOLATION": "0",  # sic: pip reads the variable the wrong way round
            "PIP_NO_INDEX": "1",
            "PIP_NO_CACHE_DIR": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "100",
        }
        environment.pop("MTLBENCH_PLUGINS", None)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    def _script(self, name: str, code: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f"#!{self.folder / 'bin' / 'python'}\n{code}\n")
        path.chmod(0o755)
