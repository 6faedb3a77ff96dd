"""A log of any size, and what it takes to encode it and to train an epoch on it, in a process of its own.

``python large_log.py encode|train SCHEMA CACHE`` prints JSON: rows, seconds, seconds of the processor, and the peak of
the memory in GiB, as a whole and without what files back.
"""

import contextlib
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

CHUNK = 1_000_000
SESSION = 5
ALONE = "--alone"
CARDINALITIES = {
    "country": 60,
    "device": 5,
    "category": 800,
    "brand": 20_000,
    "campaign": 3000,
    "advertiser": 50_000,
    "hour": 24,
    "slot": 10,
    "system": 8,
}
TEXTS = {"city": 5000, "page": 40}
NUMBERS = ("price", "discount", "age", "rank", "dwell", "score", "recency")

DESCRIPTION = f"""files = "%s"
tasks = ["click", "purchase"]
categorical = ["user_id", "item_id", {", ".join(f'"{name}"' for name in (*CARDINALITIES, *TEXTS))}]
numerical = [{", ".join(f'"{name}"' for name in NUMBERS)}]
timestamp = "time"
timestamp_unit = "s"
session = "session_id"
user = "user_id"
"""


def chunk(start: int, rows: int) -> pa.Table:
    """The rows of the log from ``start`` on, in random order."""
    random = np.random.default_rng([0, start])
    row = start + random.permutation(rows)
    session = row // SESSION
    user = (random.zipf(1.3, rows // SESSION + 1) % 2_000_000)[session - start // SESSION]
    click = random.random(rows) < 0.3
    columns = {
        "user_id": user,
        "item_id": pa.array(random.zipf(1.2, rows) % 500_000).cast(pa.string()),
        "session_id": pa.array(session).cast(pa.string()),
        "time": 1_700_000_000 + row // 8,
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


def write(path: Path, rows: int) -> Path:
    """The log, as CSV or Parquet by the name of ``path``, out of order; gives its description."""
    writer = csv.CSVWriter if path.suffix == ".csv" else parquet.ParquetWriter
    starts = np.random.default_rng(0).permutation(np.arange(0, rows, CHUNK)).tolist()
    with writer(path, chunk(0, 1).schema) as file:
        for start in starts:
            file.write_table(chunk(start, min(CHUNK, rows - start)))
    description = path.with_suffix(".toml")
    description.write_text(DESCRIPTION % path.name)
    return description


def encode(dataset: Any, cache: Path) -> int:
    """Encode the log into ``cache``; gives its rows."""
    from mtlbench.data import load

    return int(load(dataset, Path(), cache).facts["rows"])


def train(dataset: Any, cache: Path) -> int:
    """One epoch of a shared bottom under equal weights and both scores, of the log in ``cache``; gives its rows."""
    from mtlbench.cells import Training
    from mtlbench.data import load
    from mtlbench.discovery import discover
    from mtlbench.training import BackboneTrainer

    splits = load(dataset, Path(), cache)
    backbone = discover().get("backbone", "shared-bottom").cls
    weighting = discover().get("weighting", "constant").cls
    network = backbone(splits.schema, backbone.Params())
    trainer = BackboneTrainer(network, splits, Training(epochs=1, batch_size=4096), seed=0)
    weighting(weighting.Params()).fit(trainer)
    for split in (splits.validation, splits.test):
        trainer.scores(split)
    return sum(len(split) for split in splits.parts().values())


def alone(step: str, schema: Path, cache: Path) -> dict[str, float]:
    """What the step takes in this process."""
    import torch

    from mtlbench.discovery import discover

    torch.set_num_threads(1)
    table = discover().get("dataset", "table").cls
    dataset = table(table.Params(schema=schema))
    began, worked = time.perf_counter(), time.process_time()
    rows = {"encode": encode, "train": train}[step](dataset, cache)
    seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"rows": rows, "seconds": seconds, "cpu": cpu, "resident_gib": resident}


def measure(step: str, schema: Path, cache: Path) -> dict[str, float]:
    """What the step takes in a process of its own, whose memory is looked at from outside fifty times a second."""
    command = [sys.executable, __file__, ALONE, step, str(schema), str(cache)]
    own = 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        while child.poll() is None:
            own = max(own, own_gib(child.pid))
            time.sleep(0.02)
        printed, _ = child.communicate()
    if child.returncode:
        raise RuntimeError(f"{step} ended with {child.returncode}")
    return {**json.loads(printed), "own_gib": own}


def own_gib(process: int) -> float:
    """The memory of a process that no file backs: RssAnon and RssShmem."""
    with contextlib.suppress(OSError):
        lines = (line.split() for line in Path(f"/proc/{process}/status").read_text().splitlines())
        found = {line[0]: int(line[1]) / 2**20 for line in lines if line[0] in ("RssAnon:", "RssShmem:")}
        return sum(found.values())
    return 0.0


if __name__ == "__main__":
    run, arguments = (alone, sys.argv[2:]) if sys.argv[1] == ALONE else (measure, sys.argv[1:])
    print(json.dumps(run(arguments[0], Path(arguments[1]), Path(arguments[2]))))
