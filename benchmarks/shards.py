"""A pool larger than the memory it may take: float16 shards on disk, selected from under a cap."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from timing import at_most, forget_peak, options, peak_memory, save

from ladle.data.shard_copies import write_shards
from ladle.engines import Plan, select_from_shards

WIDTH, CLASSES, LABELED, BUDGET = 256, 10, 1000, 1000
STRATEGIES = ("entropy", "grad", "badge", "k-center")
THREADS = 2
CAP = 4 << 30


def blocks(rows: int, columns: int, seed: int, scale: float) -> Iterator[NDArray[Any]]:
    """Yield rows of noise around a few hundred middles."""
    generator = torch.Generator().manual_seed(seed)
    middles = torch.randn(300, columns, generator=generator)
    for start in range(0, rows, 250_000):
        count = min(250_000, rows - start)
        part = torch.randn(count, columns, generator=generator) * torch.rand(count, 1, generator=generator)
        part += middles[torch.randint(0, 300, (count,), generator=generator)]
        yield (scale * part).half().numpy()


def bytes_read() -> int:
    """Return the bytes this process has read so far, from the disk or from what the system has kept of it (Linux)."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("rchar")).split()[1])


def measure(folder: Path, strategy: str) -> None:
    """Select in this process and print what it took."""
    plans: list[Plan] = []
    forget_peak()
    before = bytes_read()
    started = time.perf_counter()
    selection = select_from_shards(
        strategy,
        features=folder / "features",
        logits=folder / "logits",
        labeled=np.arange(LABELED),
        labels=np.arange(LABELED) % CLASSES,
        budget=BUDGET,
        memory=CAP,
        on_plan=plans.append,
    )
    seconds = time.perf_counter() - started
    plan = plans[0]
    print(
        json.dumps(
            {
                "strategy": strategy,
                "seconds": seconds,
                "memory": peak_memory(),
                "read": bytes_read() - before,
                "passes": selection.passes,
                "expected_seconds": plan.seconds,
                "expected_memory": plan.memory,
                "expected_passes": plan.passes,
                "expected_read": plan.read,
                "distinct": len(np.unique(selection.picks)),
            }
        )
    )


def main() -> None:
    """Write the shards, measure, print and save."""
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="Where the shards go; a temporary folder by default.")
    parser.add_argument("--strategy", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    if arguments.strategy:
        measure(arguments.folder, arguments.strategy)
        return
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="ladle-bench-"))
    try:
        started = time.perf_counter()
        write_shards(folder / "features", blocks(arguments.rows, WIDTH, 0, 1.0), rows_a_file=500_000)
        write_shards(folder / "logits", blocks(arguments.rows, CLASSES, 1, 2.0), rows_a_file=500_000)
        print(f"written in {time.perf_counter() - started:.0f} s")
        found = []
        for strategy in STRATEGIES:
            command = [sys.executable, __file__, "--folder", str(folder), "--strategy", strategy]
            output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            found.append(json.loads(output.splitlines()[-1]))
            print(found[-1], flush=True)
    finally:
        if arguments.folder is None:
            shutil.rmtree(folder)
    save(
        arguments.results,
        "shards",
        setting={"rows": arguments.rows, "width": WIDTH, "classes": CLASSES, "labeled": LABELED, "budget": BUDGET},
        bytes_on_disk=arguments.rows * (WIDTH + CLASSES) * 2,
        cap=CAP,
        strategies=found,
        checks=[
            at_most(
                f"{one['strategy']}, {arguments.rows:,} rows in shards, memory",
                {"ratio": one["memory"] / CAP},
                1.0,
                "the cap of 4 GiB",
            )
            for one in found
        ],
    )


if __name__ == "__main__":
    main()
