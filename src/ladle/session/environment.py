"""What a result was computed with: package versions and machine, stored beside it."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = ("ladle", "torch", "numpy", "scipy", "scikit-learn")


def describe_environment() -> dict[str, str]:
    """Return package versions, the Python version, the operating system, the processor type and its cores."""
    described = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            described[package] = version(package)
        except PackageNotFoundError:
            described[package] = "not installed"
    described["system"] = f"{platform.system()} {platform.machine()}"
    described["cores"] = str(os.cpu_count() or "unknown")
    return described
