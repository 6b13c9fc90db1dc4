"""What a result was computed with: package versions and machine, stored beside it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("ladle", "torch", "numpy", "scipy", "scikit-learn")


def describe_environment() -> dict[str, str]:
    """Return package versions, the Python version, the operating system, the processor and its cores."""
    described = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            described[package] = version(package)
        except PackageNotFoundError:
            described[package] = "not installed"
    described["system"] = f"{platform.system()} {platform.machine()}"
    described["processor"] = processor_name()
    described["cores"] = str(os.cpu_count() or "unknown")
    return described


def processor_name() -> str:
    """Return what the processor calls itself: the same code on another one may round otherwise."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or "unknown"
