"""Per-example gradients of linear layers and convolutions from what goes in and comes back, without writing them out.

A position t of an example (one in a linear layer, every place the kernel stands in a convolution) adds the outer
product of the derivative δ_t by the output and the input a_t to the weight's gradient, and δ_t to the bias's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class LayerTrace:
    """What one layer saw of a chunk of examples.

    Attributes:
        inputs: (n, positions, columns) what the layer's weight, as a matrix, was multiplied with.
        derivatives: (n, positions, outputs) derivative of each example's own loss by the layer's output.
    """

    inputs: Tensor
    derivatives: Tensor


def is_traceable(module: nn.Module) -> bool:
    """Tell whether a layer's per-example gradients follow from its inputs and the derivatives of its output."""
    if type(module) is nn.Linear:
        return True
    return type(module) is nn.Conv2d and module.groups == 1 and module.padding_mode == "zeros"


def trace(module: nn.Module, inputs: Tensor, derivatives: Tensor) -> LayerTrace:
    """Return inputs and derivatives by position.

    Args:
        module: a layer that ``is_traceable``.
        inputs: what its forward got: (n, ..., columns) in a linear layer, (n, channels, height, width) in a
            convolution.
        derivatives: of the shape of its output.
    """
    if isinstance(module, nn.Conv2d):
        padding: str | tuple[int, ...] = module.padding
        if isinstance(padding, str):
            inputs, padding = _padded(module, inputs), (0, 0)
        columns = functional.unfold(
            inputs,
            module.kernel_size,
            dilation=module.dilation,
            padding=padding,
            stride=module.stride,
        )
        return LayerTrace(columns.transpose(1, 2), derivatives.flatten(2).transpose(1, 2))
    examples = len(inputs)
    return LayerTrace(
        inputs.reshape(examples, -1, inputs.shape[-1]), derivatives.reshape(examples, -1, derivatives.shape[-1])
    )


def squared_lengths_and_products(
    traced: LayerTrace, weight: Tensor | None, bias: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return the (n,) squared lengths of the gradients and their (n,) inner products with a reference.

    Args:
        traced: of the layer.
        weight: the reference's part for the weight, (outputs, columns); None leaves the weight out.
        bias: the reference's part for the bias, (outputs,); None leaves the bias out.

    Cost: for positions T, the cheaper of O(T outputs columns) and O(T² (outputs + columns)) an example.
    """
    a, delta = traced.inputs, traced.derivatives
    lengths, products = a.new_zeros(len(a)), a.new_zeros(len(a))
    if weight is not None:
        positions, columns, outputs = a.shape[1], a.shape[2], delta.shape[2]
        if positions * (columns + outputs) < columns * outputs:
            # Two small Gram matrices: the gradient itself is never written out.
            lengths += ((a @ a.mT) * (delta @ delta.mT)).sum(dim=(1, 2))
            products += ((delta @ weight) * a).sum(dim=(1, 2))
        else:
            gradients = delta.mT @ a
            lengths += gradients.square().sum(dim=(1, 2))
            products += (gradients * weight).sum(dim=(1, 2))
    if bias is not None:
        summed = delta.sum(dim=1)
        lengths += summed.square().sum(dim=1)
        products += summed @ bias
    return lengths, products


def total_gradients(traced: LayerTrace) -> tuple[Tensor, Tensor]:
    """Return the gradients summed over examples, (outputs, columns) of the weight and (outputs,) of the bias."""
    a, delta = traced.inputs.flatten(0, 1), traced.derivatives.flatten(0, 1)
    return delta.T @ a, delta.sum(dim=0)


def _padded(module: nn.Conv2d, inputs: Tensor) -> Tensor:
    """Return the inputs with the zeros that padding="same" adds."""
    if module.padding == "valid":
        return inputs
    sides: list[int] = []
    for size, step in zip(reversed(module.kernel_size), reversed(module.dilation), strict=True):
        whole = step * (size - 1)
        sides += [whole // 2, whole - whole // 2]
    return torch.nn.functional.pad(inputs, sides)
