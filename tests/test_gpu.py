"""On a graphics processor: the same picks as on the host, and nothing of the pool's size passes between the two."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ladle.gradients import FactoredGradients, find_loss
from ladle.models import TrainingConfig, build_model, train
from ladle.selectors import farthest_first, k_means_plus_plus
from ladle.strategies import list_strategies, score, select

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
ROWS, WIDTH, CLASSES, LABELED = 5000, 32, 10, np.arange(0, 400, 4)


def outputs(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(ROWS, WIDTH, generator=generator, dtype=dtype).relu_()
    logits = features @ torch.randn(WIDTH, CLASSES, generator=generator, dtype=dtype)
    return features, logits, logits[LABELED].argmax(dim=1)


@pytest.mark.parametrize("name", list_strategies())
def test_a_batch_is_the_same_on_both(name: str) -> None:
    # In float64 no two distances here are so close that another order of summing could swap them.
    features, logits, labels = outputs(torch.float64)
    picks = [
        select(
            name,
            features=features.to(device),
            logits=logits.to(device),
            labeled=LABELED,
            labels=labels.to(device),
            budget=300,
            seed=1,
        ).tolist()
        for device in ("cpu", "cuda")
    ]
    assert picks[0] == picks[1]


@pytest.mark.parametrize("name", ["entropy", "margin", "least-confidence", "egl", "grad"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_scores_agree_and_stay_on_the_device(name: str, dtype: torch.dtype) -> None:
    features, logits, labels = outputs(dtype)
    host = score(name, features=features, logits=logits, labeled=LABELED, labels=labels)
    device = score(name, features=features.cuda(), logits=logits.cuda(), labeled=LABELED, labels=labels.cuda())
    assert device.is_cuda
    torch.testing.assert_close(device.cpu(), host, rtol=1e-4, atol=1e-5)


def test_selecting_allocates_no_copy_of_the_pool() -> None:
    # Were the pool copied, its size would show; a few chunks of rows and their distances are far less.
    features, logits, _ = outputs(torch.float32)
    features, logits = features.repeat(40, 8).cuda(), logits.repeat(40, 1).cuda()
    loss = find_loss("cross-entropy")
    gradients = FactoredGradients(loss.residuals(logits, loss.pseudo_labels(logits)), features)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    k_means_plus_plus(gradients, LABELED, 200, generator=np.random.default_rng(0))
    farthest_first(features, LABELED, 200)
    # 65,536 rows at once against 256 centers, twice, and a handful of vectors.
    assert torch.cuda.max_memory_allocated() - before < 2 * 65_536 * 256 * 4 + 65_536 * 256 * 4 * 2 + 64 * len(features)


@pytest.mark.parametrize("name", ["mlp", "lenet"])
def test_training_on_the_device_repeats_itself(name: str) -> None:
    inputs = torch.rand(64, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(64) % CLASSES
    build = build_model(name, example_shape=(3, 32, 32), classes=CLASSES)
    config = TrainingConfig(epochs=3, batch_size=8, learning_rate=0.01)
    first, second = (train(build, inputs, labels, config, seed=5, device="cuda") for _ in range(2))
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert one.is_cuda
        assert torch.equal(one, other)
