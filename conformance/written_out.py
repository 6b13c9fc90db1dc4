"""Ladle's gradient strategies the long way: every gradient by automatic differentiation, written out as a row."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ladle.selectors import AnchoredEmbedding, apart_in_angle, as_embedding, greedy_volume, k_means_plus_plus, top


def gradient(features: Tensor, logits: Tensor, label: int) -> Tensor:
    """Return the (C · (d + 1),) gradient of one example's cross-entropy by the last layer's weights and bias."""
    # A layer of zeros is added to the logits: its gradient is that of the layer which made them.
    weight = torch.zeros(len(logits), len(features), dtype=logits.dtype, requires_grad=True)
    bias = torch.zeros(len(logits), dtype=logits.dtype, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(logits + weight @ features + bias, torch.tensor(label))
    return torch.cat([part.flatten() for part in torch.autograd.grad(loss, (weight, bias))])


def pick(name: str, *, features: Any, logits: Any, labeled: Any, labels: Any, budget: int, seed: int) -> Any:
    """Return what the strategy of this name picks where it sees written-out gradients."""
    h, z = torch.from_numpy(features), torch.from_numpy(logits)
    if name == "egl":
        probabilities = torch.softmax(z, dim=1)
        scores = torch.zeros(len(z), dtype=z.dtype)
        for label in range(z.shape[1]):
            lengths = torch.stack([gradient(*row, label).norm() for row in zip(h, z, strict=True)])
            scores += probabilities[:, label] * lengths
        return top(scores, labeled, budget)
    rows = torch.stack([gradient(*row, int(row[1].argmax())) for row in zip(h, z, strict=True)])
    generator = np.random.default_rng(seed)
    if name == "badge":
        return k_means_plus_plus(as_embedding(rows), labeled, budget, generator=generator)
    known = zip(h[labeled], z[labeled], labels.tolist(), strict=True)
    mean = torch.stack([gradient(*example) for example in known]).mean(dim=0)
    squared = (rows - mean).square().sum(dim=1)
    if name == "grad":
        return top(squared, labeled, budget)
    seen = AnchoredEmbedding(as_embedding(rows), squared)
    if name == "grad-d2":
        return k_means_plus_plus(seen, labeled, budget, generator=generator, first="anchor")
    return {"grad-cosine": apart_in_angle, "grad-volume": greedy_volume}[name](seen, labeled, budget)


WRITTEN_OUT: dict[str, Any] = {
    name: partial(pick, name) for name in ("egl", "grad", "badge", "grad-cosine", "grad-volume", "grad-d2")
}
