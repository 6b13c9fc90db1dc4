"""Scoring, selecting and training on one device, as fractions of the roof that its arithmetic and memory set.

The roof is measured on the device itself: the operations a second of one large matrix product, and the bytes a second
of one large copy. Operations and bytes of a piece of work are counted from its shapes: what any way of doing it must
compute and move at least once. Work that needs F operations and B bytes cannot take less than the longer of F / peak
and B / bandwidth; the fraction says how near to that it came.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from timing import options, save
from torch.utils.flop_counter import FlopCounterMode

from ladle.gradients import cross_entropy
from ladle.models import TrainingConfig, build_model, pool_outputs, train
from ladle.strategies import CATALOG, PoolOutputs

CLASSES, LABELED, BUDGET, EPOCHS = 10, 1000, 500, 2
#: By kind of device: rows and width of the pool, images trained on, side of the square product, elements copied.
SIZES = {
    "cuda": {"rows": 1_000_000, "width": 512, "images": 8192, "side": 8192, "copied": 1 << 29},
    "cpu": {"rows": 25_000, "width": 256, "images": 256, "side": 2048, "copied": 1 << 25},
}
#: Images in a training step: the paper's eight, and one that fills a graphics processor.
BATCHES = (8, 256)


def seconds_of(function: Callable[[], object], device: torch.device, repeats: int) -> list[float]:
    """Return the seconds of each call after one to warm up, waiting until the device has finished."""

    def finished() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter()

    function()
    found = []
    for _ in range(repeats):
        started = finished()
        function()
        found.append(finished() - started)
    return found


def roof(device: torch.device, sizes: dict[str, int]) -> dict[str, float]:
    """Return the operations a second of a float32 product, and the bytes a second of a copy, read and written."""
    square = torch.randn(sizes["side"], sizes["side"], device=device)
    product = torch.empty_like(square)
    multiply = min(seconds_of(lambda: torch.mm(square, square, out=product), device, 5))
    source = torch.zeros(sizes["copied"], device=device)
    target = torch.empty_like(source)
    copy = min(seconds_of(lambda: target.copy_(source), device, 5))
    return {"operations": 2 * sizes["side"] ** 3 / multiply, "bytes": 8 * sizes["copied"] / copy}


def measured(
    function: Callable[[], object], device: torch.device, top: dict[str, float], operations: float, moved: float
) -> dict[str, Any]:
    """Return times, counts and the fraction of the roof that the median time reaches."""
    seconds = seconds_of(function, device, 5)
    least = max(operations / top["operations"], moved / top["bytes"])
    return {
        "seconds": seconds,
        "operations": operations,
        "bytes": moved,
        "bound": "arithmetic" if operations / top["operations"] > moved / top["bytes"] else "memory",
        "fraction": least / statistics.median(seconds),
    }


def pool_work(device: torch.device, top: dict[str, float], sizes: dict[str, int]) -> dict[str, Any]:
    """Measure the scores and the selections over one pool of outputs that lie on the device."""
    rows, width = sizes["rows"], sizes["width"]
    generator = torch.Generator(device=device).manual_seed(0)
    features = torch.randn(rows, width, generator=generator, device=device).relu_()
    logits = features @ torch.randn(width, CLASSES, generator=generator, device=device).mul_(0.1)
    labels = torch.arange(LABELED, device=device) % CLASSES
    outputs = PoolOutputs(features, logits, np.arange(LABELED), labels, cross_entropy, bias=True)

    def select(name: str) -> None:
        CATALOG[name].select(outputs, BUDGET, generator=np.random.default_rng(0))

    # The rows are read once at least, whatever a method does with them; entropy reads the logits only.
    once = 4.0 * rows * (width + CLASSES)
    centers = {"badge": BUDGET * (width + CLASSES), "k-center": (BUDGET + LABELED) * width}
    found = {
        "scoring: entropy": measured(lambda: CATALOG["entropy"].view(outputs), device, top, 0.0, 4.0 * rows * CLASSES),
        "scoring: grad": measured(
            lambda: CATALOG["grad"].view(outputs), device, top, 2.0 * rows * CLASSES * width, once
        ),
    }
    for name, values in centers.items():
        found[f"selecting: {name}"] = measured(partial(select, name), device, top, 2.0 * rows * values, once)
    return found


def model_work(device: torch.device, top: dict[str, float], sizes: dict[str, int]) -> dict[str, Any]:
    """Measure forward passes and training of the two networks whose convolutions differ most."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(sizes["images"], 3, 32, 32, generator=generator).to(device)
    labels = (torch.arange(sizes["images"]) % CLASSES).to(device)
    found = {}
    for name in ("lenet", "resnet18"):
        build = build_model(name, example_shape=(3, 32, 32), classes=CLASSES)
        network = build().to(device).eval()
        forward, step = operations_of(network, images[:1])
        weights = sum(values.numel() for values in network.parameters())
        pixels = 4.0 * images[0].numel()
        found[f"forward: {name}"] = measured(
            partial(pool_outputs, network, images, device=device),
            device,
            top,
            forward * len(images),
            pixels * len(images),
        )
        for size in BATCHES:
            config = TrainingConfig(epochs=EPOCHS, batch_size=size)
            steps = EPOCHS * len(images) / size
            found[f"training: {name}, batches of {size}"] = measured(
                partial(train, build, images, labels, config, seed=0, device=device),
                device,
                top,
                step * EPOCHS * len(images),
                # A step reads weights, gradients and momentum, and writes the three.
                steps * (6 * 4.0 * weights) + EPOCHS * pixels * len(images),
            ) | {"steps": steps}
    return found


def operations_of(network: torch.nn.Module, image: torch.Tensor) -> tuple[int, int]:
    """Return the operations of one image forward, and forward and backward."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(image)
    forward = counter.get_total_flops()
    with FlopCounterMode(display=False) as counter:
        network(image).sum().backward()
    return forward, counter.get_total_flops()


def main() -> None:
    """Measure, print and save."""
    parser = options(__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    sizes = SIZES[device.type]
    top = roof(device, sizes)
    print(f"roof: {top['operations'] / 1e9:,.0f} Gflop/s, {top['bytes'] / 1e9:,.0f} GB/s")
    work = pool_work(device, top, sizes) | model_work(device, top, sizes)
    for name, one in work.items():
        print(f"{name}: {statistics.median(one['seconds']):.4f} s, {one['fraction']:.0%} of the roof ({one['bound']})")
    called = torch.cuda.get_device_name(device) if device.type == "cuda" else "the processor"
    save(
        arguments.results,
        f"device-{device.type}",
        device=called,
        setting=sizes | {"classes": CLASSES, "labeled": LABELED, "budget": BUDGET, "epochs": EPOCHS},
        roof=top,
        work=work,
        checks=[],
    )


if __name__ == "__main__":
    main()
