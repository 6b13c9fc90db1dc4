"""Two process-wide switches of torch, turned for the length of a block."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def deterministic_cuda(device: torch.device) -> Iterator[None]:
    """Use deterministic CUDA kernels in the block; does nothing for other devices.

    An operation that has no deterministic kernel warns and goes on, so that any module can be trained. cuBLAS takes its
    setting from ``CUBLAS_WORKSPACE_CONFIG``, once, before its first use: where the variable is unset it is set, and
    left; a process that used cuBLAS before must set it from outside.
    """
    if device.type != "cuda":
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    enabled = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    torch.backends.cudnn.benchmark = False  # it picks convolution kernels by timing them
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
        torch.backends.cudnn.benchmark = benchmark


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Treat numbers too small for full precision as zero in the block, where the processor can.

    A velocity whose gradient stays away (a dead ReLU, a constant input) decays until it is such a number, below 1e-38
    in float32, and stays one. Arithmetic on those is many times slower: a training of a few thousand steps loses a
    fourth of its speed to numbers that change nothing.
    """
    before = bool(torch.tensor(1e-310, dtype=torch.float64).mul(1.0).eq(0))
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
