"""Times as ratios within one run, peak memory in a process of its own, results as JSON with the machine they are of."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"


def interleaved(functions: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each repeat of each function, taking turns: whatever slows the machine slows all."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()  # to warm up
    for _ in range(repeats):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def ratio(seconds: dict[str, list[float]], name: str, floor: str) -> float:
    """Return the median time of one function in units of another's."""
    return statistics.median(seconds[name]) / statistics.median(seconds[floor])


def peak_memory() -> int:
    """Return the most bytes this process has held so far (Linux).

    Not ``ru_maxrss``: a child takes that over from the process that started it.
    """
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) * 1024


def resident_memory() -> int:
    """Return the bytes this process holds now (Linux)."""
    import resource

    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def machine() -> dict[str, Any]:
    """Return what the times depend on."""
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    return {
        "processor": cpu,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "date": datetime.now(UTC).date().isoformat(),
    }


def save(name: str, **found: Any) -> None:
    """Write a result, and say so."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), **found}, indent=1) + "\n")
    print(f"{name}: " + json.dumps({key: found[key] for key in found if key in ("ratios", "checks")}))
