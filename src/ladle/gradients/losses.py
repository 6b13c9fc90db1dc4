"""Losses that reach the last layer through a residual: the derivative of one example's loss by its logits.

A loss is two functions: its residuals, and the label it would give an example by itself (the paper's pseudo-label,
eq. 3); a third, its mean, trains a model. Cross-entropy has its residuals in closed form; any other loss takes them by
automatic differentiation on the logits, which costs next to nothing beside the model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ladle.errors import InputError, UnknownNameError
from ladle.typing import Labels, Logits, Residuals


@dataclass(frozen=True)
class ResidualLoss:
    """A loss per example, known through its derivative by the logits.

    Attributes:
        name: how it is called in messages and in stored configurations.
        residuals: (n, C) logits and their labels -> (n, C), the derivative of each example's own loss.
        pseudo_labels: (n, C) logits -> the label each example would be given by the model itself.
        multi_label: labels are (n, C) of zeros and ones rather than (n,) class numbers.
        in_one_go: (n, C) logits -> the residuals under the pseudo-labels, where that is faster than one after the
            other.
        mean: (n, C) logits and their labels -> the mean of the examples' losses, to train by; None where the residuals
            alone are known.
    """

    name: str
    residuals: Callable[[Logits, Labels], Residuals]
    pseudo_labels: Callable[[Logits], Labels]
    multi_label: bool = False
    in_one_go: Callable[[Logits], Residuals] | None = None
    mean: Callable[[Logits, Labels], Tensor] | None = None

    def pseudo_residuals(self, logits: Logits) -> Residuals:
        """Return the (n, C) residuals of each example under its own pseudo-label."""
        if self.in_one_go is not None:
            return self.in_one_go(logits)
        return self.residuals(logits, self.pseudo_labels(logits))

    def __str__(self) -> str:
        return self.name


def loss_by_autograd(
    name: str,
    loss: Callable[[Logits, Labels], Tensor],
    pseudo_labels: Callable[[Logits], Labels] | None = None,
    *,
    multi_label: bool = False,
) -> ResidualLoss:
    """Make a residual loss from any differentiable loss.

    Args:
        name: how it is called in messages and in stored configurations.
        loss: (n, C) logits and labels -> (n,) one loss an example; an example's loss may depend on its own row only.
            Labels of a multi-label loss come as numbers of the logits' type.
        pseudo_labels: (n, C) logits -> labels. If not given, the most probable class; for a multi-label loss, the
            outputs above zero, whose probability under a sigmoid is above one half.
        multi_label: whether labels are (n, C) of zeros and ones.

    Returns:
        The loss, with residuals taken by automatic differentiation on the logits; its mean is the plain mean over
        examples.

    Raises:
        InputError: when used, if the loss does not return one number an example.
    """

    def values(logits: Logits, labels: Labels) -> Tensor:
        found = loss(logits, labels.to(logits) if multi_label else labels)
        if found.shape != logits.shape[:1]:
            raise InputError(
                f"a loss must return one number an example (got shape {tuple(found.shape)} "
                f"for {len(logits)} examples); use reduction='none' and average over outputs"
            )
        return found

    def residuals(logits: Logits, labels: Labels) -> Residuals:
        # Clones, not views: both may come from an inference-mode pass, whose tensors autograd refuses to keep.
        with torch.inference_mode(mode=False), torch.enable_grad():
            leaf = logits.detach().clone().requires_grad_()
            (derivative,) = torch.autograd.grad(values(leaf, labels.detach().clone()).sum(), leaf)
        return derivative

    def mean(logits: Logits, labels: Labels) -> Tensor:
        return values(logits, labels).mean()

    usual = _positive_logits if multi_label else _most_probable_class
    return ResidualLoss(name, residuals, pseudo_labels or usual, multi_label, mean=mean)


def weighted_cross_entropy(weights: Tensor) -> ResidualLoss:
    """Cross-entropy with a weight for each class, as ``torch.nn.CrossEntropyLoss(weight=...)`` before averaging.

    The mean is over examples, not over their weights as torch's own is: an example's share in it does not depend on
    which others are in the batch.

    Args:
        weights: (C,) non-negative class weights.

    Raises:
        InputError: weights that break a rule; when used, if they are not one a class.
    """
    if weights.ndim != 1 or not bool((weights >= 0).all()):
        raise InputError(
            f"class weights must be one non-negative number a class (got shape {tuple(weights.shape)}, "
            f"smallest {weights.min() if weights.numel() else 'none'}); pass a (C,) tensor"
        )

    def loss(logits: Logits, labels: Labels) -> Tensor:
        if len(weights) != logits.shape[1]:
            raise InputError(
                f"class weights must be one a class (got {len(weights)} weights for {logits.shape[1]} classes); "
                "pass those the model was trained with"
            )
        return functional.cross_entropy(logits, labels, weight=weights.to(logits), reduction="none")

    return loss_by_autograd(f"weighted-cross-entropy({', '.join(f'{weight:g}' for weight in weights.tolist())})", loss)


def smoothed_cross_entropy(smoothing: float) -> ResidualLoss:
    """Cross-entropy against smoothed labels, as ``torch.nn.CrossEntropyLoss(label_smoothing=...)``.

    Args:
        smoothing: from 0 (none) to 1 (uniform labels).

    Raises:
        InputError: a smoothing outside of that.
    """
    if not 0.0 <= smoothing <= 1.0:
        raise InputError(f"label smoothing must be from 0 to 1 (got {smoothing}); pass the one used in training")

    def loss(logits: Logits, labels: Labels) -> Tensor:
        return functional.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="none")

    return loss_by_autograd(f"smoothed-cross-entropy({smoothing:g})", loss)


def find_loss(loss: str | ResidualLoss) -> ResidualLoss:
    """Return the loss of this name, or the loss itself.

    Raises:
        InputError: neither a name nor a ``ResidualLoss``.
        UnknownNameError: no loss has this name.
    """
    if isinstance(loss, ResidualLoss):
        return loss
    if not isinstance(loss, str):
        raise InputError(
            f"a loss is a name or a ResidualLoss (got {type(loss).__name__}); "
            "wrap any other with ladle.gradients.loss_by_autograd"
        )
    if loss not in LOSSES:
        raise UnknownNameError.among("loss", loss, LOSSES)
    return LOSSES[loss]


def _most_probable_class(logits: Logits) -> Labels:
    return logits.argmax(dim=1)


def _positive_logits(logits: Logits) -> Labels:
    return (logits > 0).to(logits.dtype)


def _cross_entropy_residuals(logits: Logits, labels: Labels) -> Residuals:
    # softmax - onehot, but the entry of the label is the negative sum of the others: for a confident example p - 1
    # would lose every digit that the others still hold.
    # Written out: over few classes torch.softmax takes three times as long.
    odds = (logits - logits.amax(dim=1, keepdim=True)).exp_()
    column = labels.long().unsqueeze(1)
    own = odds.gather(1, column)
    odds.scatter_(1, column, torch.zeros_like(own))  # a tensor: a plain number takes four times as long
    others = odds.sum(dim=1, keepdim=True)
    return odds.scatter_(1, column, -others).div_(own.add_(others))


def _cross_entropy_pseudo_residuals(logits: Logits) -> Residuals:
    # As above, where the label is the best class and its own odds are one: rounding down keeps those and nothing else,
    # in a tenth of the time of an index, as long as no other class is as good.
    odds = torch.sub(logits, logits.amax(dim=1, keepdim=True)).exp_()
    best = odds.floor()
    if bool((best.sum(dim=1) > 1.0).any()):
        return _cross_entropy_residuals(logits, logits.argmax(dim=1))
    others = odds.sub_(best).sum(dim=1, keepdim=True)
    return odds.addcmul_(best, others, value=-1.0).div_(others.add_(1.0))


def _binary_cross_entropy(logits: Logits, labels: Labels) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, labels, reduction="none").mean(dim=1)


def _squared_error(logits: Logits, labels: Labels) -> Tensor:
    targets = functional.one_hot(labels.long(), logits.shape[1]).to(logits)
    return (logits - targets).square().mean(dim=1)


#: Cross-entropy on class numbers: the paper's loss.
cross_entropy = ResidualLoss(
    "cross-entropy",
    _cross_entropy_residuals,
    _most_probable_class,
    in_one_go=_cross_entropy_pseudo_residuals,
    mean=functional.cross_entropy,
)
#: Binary cross-entropy for multi-label examples: labels (n, C) of zeros and ones; averaged over the C outputs.
binary_cross_entropy = loss_by_autograd(
    "binary-cross-entropy", _binary_cross_entropy, _positive_logits, multi_label=True
)
#: Squared error of the logits against one-hot class numbers; averaged over the C outputs.
squared_error = loss_by_autograd("squared-error", _squared_error)

LOSSES: dict[str, ResidualLoss] = {
    "cross-entropy": cross_entropy,
    "binary-cross-entropy": binary_cross_entropy,
    "squared-error": squared_error,
}
