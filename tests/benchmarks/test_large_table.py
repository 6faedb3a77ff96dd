"""A table larger than the memory it may take: 20 million rows of 20 columns, encoded under 8 GiB.

Run with ``pytest tests/benchmarks/test_large_table.py -m slow -s``: some minutes, 5 GB of disk below the temporary
folder.
``MTLBENCH_LARGE_ROWS`` names another number of rows.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

ROWS = int(os.environ.get("MTLBENCH_LARGE_ROWS", 20_000_000))
CHUNK = 1_000_000
LIMIT_GIB = 8

CARDINALITIES = {"country": 60, "device": 5, "category": 800, "brand": 20_000, "campaign": 3000, "hour": 24}
TEXTS = {"city": 5000, "page": 40}
NUMBERS = ("price", "discount", "age", "rank", "dwell", "score")

DESCRIPTION = f"""files = "%s"
tasks = ["click", "purchase"]
categorical = ["user_id", "item_id", {", ".join(f'"{name}"' for name in (*CARDINALITIES, *TEXTS))}]
numerical = [{", ".join(f'"{name}"' for name in NUMBERS)}]
timestamp = "time"
timestamp_unit = "s"
session = "session_id"
user = "user_id"
"""

ENCODE = """
import json, resource, sys, time
from pathlib import Path
from mtlbench.data import load
from mtlbench.discovery import discover
table = discover().get("dataset", "table").cls
dataset = table(table.Params(schema=Path(sys.argv[1])))
started = time.perf_counter()
splits = load(dataset, Path("."), Path(sys.argv[2]))
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps({"rows": splits.facts["rows"], "seconds": seconds, "peak_gib": peak,
                  "inputs": len(splits.schema.categorical) + len(splits.schema.numerical)}))
"""


def chunk(random: np.random.Generator, start: int, rows: int) -> pa.Table:
    """A generated piece of the log."""
    user = random.zipf(1.3, rows) % 2_000_000
    click = random.random(rows) < 0.3
    columns = {
        "user_id": user,
        "item_id": pa.array(random.zipf(1.2, rows) % 500_000).cast(pa.string()),
        "session_id": pa.array(np.arange(start, start + rows) // 6).cast(pa.string()),
        "time": 1_700_000_000 + (start + np.arange(rows)) // 8,
        "click": click.astype(np.int8),
        "purchase": (click & (random.random(rows) < 0.1)).astype(np.int8),
    }
    for name, size in CARDINALITIES.items():
        columns[name] = random.integers(size, size=rows)
    for name, size in TEXTS.items():
        words = pa.array([f"{name} number {number}" for number in range(size)])
        columns[name] = words.take(pa.array(random.integers(size, size=rows)))
    for name in NUMBERS:
        columns[name] = random.normal(size=rows).round(4)
    return pa.table(columns)


def write(path: Path) -> None:
    """The log, as CSV or Parquet by the name of ``path``."""
    random = np.random.default_rng(0)
    first = chunk(random, 0, 1)
    writer = csv.CSVWriter if path.suffix == ".csv" else parquet.ParquetWriter
    with writer(path, first.schema) as file:
        for start in range(0, ROWS, CHUNK):
            file.write_table(chunk(random, start, min(CHUNK, ROWS - start)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
def test_a_large_table_is_encoded_under_8_gib(name: str, tmp_path: Path) -> None:
    write(tmp_path / name)
    size = (tmp_path / name).stat().st_size / 2**30
    (tmp_path / "log.toml").write_text(DESCRIPTION % name)
    command = [sys.executable, "-c", ENCODE, str(tmp_path / "log.toml"), str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    print(f"\n{name}: {size:.2f} GiB, {found}, {found['rows'] / found['seconds']:,.0f} rows/s")
    assert found["rows"] == ROWS
    assert found["peak_gib"] < LIMIT_GIB
