"""Gradients of the last layer the slow way: a real model, a real set of examples, ``backward()``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

#: (n, C) logits and n labels -> (n,) one loss an example.
PerExampleLoss = Callable[[Tensor, Tensor], Tensor]


def last_layer_gradient(layer: nn.Linear, features: Tensor, labels: Tensor, loss: PerExampleLoss) -> Tensor:
    """Return the flat gradient of the mean loss over these examples by the layer's weights, then its bias."""
    layer.zero_grad()
    loss(layer(features), labels).mean().backward()  # type: ignore[no-untyped-call]
    gradients = [parameter.grad for parameter in layer.parameters()]
    return torch.cat([gradient.flatten() for gradient in gradients if gradient is not None])


def augmented_set_discrepancies(
    layer: nn.Linear,
    features: Tensor,
    labeled: Sequence[int],
    labels: Tensor,
    pseudo_labels: Tensor,
    loss: PerExampleLoss,
) -> Tensor:
    """Return equation 11 word by word: |gradient over labeled and x with its pseudo-label - gradient of x alone|."""
    scores = []
    for x in range(len(features)):
        candidate, pseudo_label = features[x : x + 1], pseudo_labels[x : x + 1]
        augmented = torch.cat([features[list(labeled)], candidate])
        augmented_labels = torch.cat([labels, pseudo_label])
        of_the_set = last_layer_gradient(layer, augmented, augmented_labels, loss)
        of_the_candidate = last_layer_gradient(layer, candidate, pseudo_label, loss)
        scores.append((of_the_set - of_the_candidate).norm())
    return torch.stack(scores)


def gradient_lengths(layer: nn.Linear, features: Tensor, loss: PerExampleLoss) -> Tensor:
    """Return the (n, C) length of every example's gradient under every label, one ``backward()`` for each."""
    lengths = torch.empty(len(features), layer.out_features, dtype=features.dtype)
    for x in range(len(features)):
        for label in range(layer.out_features):
            lengths[x, label] = last_layer_gradient(layer, features[x : x + 1], torch.tensor([label]), loss).norm()
    return lengths


def discrepancies_through_a_model(
    layer: nn.Linear,
    logits_of: Callable[[list[int]], Tensor],
    count: int,
    labeled: Sequence[int],
    labels: Tensor,
    loss: PerExampleLoss,
) -> Tensor:
    """Return equation 11 with every gradient taken through the whole model, which ``logits_of`` applies to rows."""

    def gradient(rows: list[int], targets: Tensor) -> Tensor:
        derivatives = torch.autograd.grad(loss(logits_of(rows), targets).mean(), list(layer.parameters()))
        return torch.cat([derivative.flatten() for derivative in derivatives])

    scores = []
    for x in range(count):
        pseudo_label = logits_of([x]).argmax(dim=1)
        of_the_set = gradient([*labeled, x], torch.cat([labels, pseudo_label]))
        scores.append((of_the_set - gradient([x], pseudo_label)).norm())
    return torch.stack(scores)
