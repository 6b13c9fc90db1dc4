"""Times as ratios within one run, peak memory in a process of its own, results as JSON with the machine they are of."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ladle.session.environment import processor_name

RESULTS = Path(__file__).parent / "results"


def interleaved(functions: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
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


def ratio(seconds: Mapping[str, list[float]], name: str, floor: str) -> dict[str, float]:
    """Return the time of one function in units of another's: of the medians, and of the least times.

    The medians decide whether a target is reached; the least times show what is left without disturbance.
    """
    return {
        "ratio": statistics.median(seconds[name]) / statistics.median(seconds[floor]),
        "ratio_of_least": min(seconds[name]) / min(seconds[floor]),
    }


def at_most(name: str, measured: Mapping[str, float], target: float, of: str) -> dict[str, Any]:
    """Return a check that passes while the ratio stays at or below its target."""
    return {"name": name, **measured, "at_most": target, "of": of}


def at_least(name: str, measured: Mapping[str, float], target: float, of: str) -> dict[str, Any]:
    """Return a check that passes once the ratio reaches its target."""
    return {"name": name, **measured, "at_least": target, "of": of}


def forget_peak() -> int:
    """Count peak memory anew from here, and return the bytes this process holds now (Linux).

    Not ``ru_maxrss``: it cannot be set back, so that importing torch and making the inputs hide what comes after, and a
    child takes it over from the process that started it.
    """
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def peak_memory() -> int:
    """Return the most bytes this process has held since ``forget_peak`` (Linux)."""
    return _status("VmHWM")


def machine() -> dict[str, Any]:
    """Return what the times depend on."""
    return {
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "date": datetime.now(UTC).date().isoformat(),
    }


def options(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the option that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--results", type=Path, default=RESULTS, help="Folder to write to; another one for a trial.")
    return parser


def save(folder: Path, name: str, **found: Any) -> None:
    """Write a result, and say how the checks went."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    load = [round(value, 2) for value in os.getloadavg()]
    path.write_text(json.dumps({"machine": machine() | {"load": load}, **found}, indent=1) + "\n")
    for check in found["checks"]:
        bound = f"at most {check['at_most']:g}" if "at_most" in check else f"at least {check['at_least']:g}"
        print(f"{check['name']}: {check['ratio']:.2f} × {check['of']} (target: {bound})")


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) * 1024
