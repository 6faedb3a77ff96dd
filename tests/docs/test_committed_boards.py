"""What is committed of boards: records small enough for a repository, and nothing else."""

from pathlib import Path

BOARDS = Path(__file__).parents[2] / "leaderboards"
MOST_BYTES = 50_000_000
"""Of all records and pages; every clone takes them along."""


def test_records_stay_small_and_nothing_else_of_a_results_folder_is_committed():
    files = [path for path in BOARDS.rglob("*") if path.is_file()]
    assert {Path(path.name.removesuffix(".gz")).suffix for path in files} == {".json", ".md", ".svg"}
    assert sum(path.stat().st_size for path in files) < MOST_BYTES
