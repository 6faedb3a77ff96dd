"""docs/your-own-log.md, followed word by word: its files saved, its commands run, what it shows found in the output."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "your-own-log.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def words(text: str) -> str:
    return " ".join(text.split())


def on_one_core() -> None:
    """Cells run one after the other then: starting worker processes takes longer than these cells."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def test_the_page_is_true(tmp_path: Path) -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    environment = {
        **os.environ,
        "MTLBENCH_CACHE": str(tmp_path / "cache"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    here = tmp_path / "empty"
    here.mkdir()
    output, ran, shown = "", 0, 0
    for kind, text in blocks:
        first = text.partition("\n")[0]
        if kind == "sh":
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", text],
                cwd=here,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                preexec_fn=on_one_core,
            )
            output = done.stdout + done.stderr
            assert done.returncode == 0, (text, output)
            ran += 1
        elif kind == "text":
            assert [line for line in text.splitlines() if words(line) not in words(output)] == [], output
            shown += 1
        elif (name := first.removeprefix("# ")).endswith((".py", ".toml")):
            (here / name).write_text(text)
        else:
            assert (here / "my_log.toml").read_text() == text
    assert (ran, shown) == (7, 5)
    assert (here / "results" / "leaderboard.md").is_file()
