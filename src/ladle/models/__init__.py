"""Networks, their training from scratch, and one pass over a pool for features and logits.

A network is any `torch.nn.Module` that ends with a linear layer; the catalog has the four of the paper. Dense inputs
are tensors, several of them a tuple or a dict, sparse ones scipy CSR matrices, which the MLP trains on without ever
making them dense.
"""

from __future__ import annotations

from ladle.models.batches import Rows, SparseRows, as_rows, example_shape
from ladle.models.catalog import IMAGE_SIZE, MODELS, ModelConfig, ModelEntry, ModelShape, build_model
from ladle.models.floor_descent import FloorTraining, floor_step, train_by_floor_descent
from ladle.models.head import mlp_head
from ladle.models.inference import ModelOutputs, accuracy, evaluate, pool_outputs
from ladle.models.last_layer import find_last_layer
from ladle.models.lazy_momentum import LazyMomentum
from ladle.models.lenet import LeNet
from ladle.models.mlp import MLP
from ladle.models.resnet import ResNet18
from ladle.models.sparse_linear import SparseLinear
from ladle.models.training import Loss, TrainingConfig, train
from ladle.models.vgg import VGG16

__all__ = [
    "IMAGE_SIZE",
    "MLP",
    "MODELS",
    "VGG16",
    "FloorTraining",
    "LazyMomentum",
    "LeNet",
    "Loss",
    "ModelConfig",
    "ModelEntry",
    "ModelOutputs",
    "ModelShape",
    "ResNet18",
    "Rows",
    "SparseLinear",
    "SparseRows",
    "TrainingConfig",
    "accuracy",
    "as_rows",
    "build_model",
    "evaluate",
    "example_shape",
    "find_last_layer",
    "floor_step",
    "mlp_head",
    "pool_outputs",
    "train",
    "train_by_floor_descent",
]
