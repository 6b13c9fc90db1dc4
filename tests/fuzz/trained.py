"""Trained models as safetensors: damaged ones, and such as claim to be of another kind, size or make."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save

from fuzz.material import Material, refused, scratch_folder
from ladle.labeling import load_trained
from ladle.models import build_model

_FEATURES = 3


def check(data: bytes) -> None:
    """Change what a file says of its model, its weights or its bytes; load it, and predict with it."""
    material = Material(data)
    kind = material.one_of(("embeddings", "embeddings", "texts", "table"))
    about, weights = _about(kind), dict(_weights(kind))
    changed = False
    for _ in range(material.whole(0, 2)):
        match material.whole(0, 3):
            case 0:
                about[material.one_of(sorted(about))] = material.strange()
            case 1:
                about["model"] = material.one_of(("os:getcwd", "this:c", "lenet", "nn:Linear", ":", "a:"))
            case 2:
                name = material.one_of(sorted(weights))
                tensor = weights.pop(name)
                weights[material.one_of((name, "other"))] = material.one_of(
                    (tensor[:0], tensor.double(), tensor * float("nan"), tensor.half(), torch.zeros(2), tensor.long())
                )
            case _:
                about.pop(material.one_of(sorted(about)), None)
        changed = True
    metadata = {"ladle": json.dumps(about)}
    content = save({name: tensor.contiguous() for name, tensor in weights.items()}, metadata=metadata)
    if material.whole(0, 1):
        # The weights are most of the file; its head is what a reader goes by.
        head = material.broken(content[:1024])
        changed = changed or head != content[:1024]
        content = head + content[1024:]
    path = scratch_folder() / "model.safetensors"
    path.write_bytes(content)
    trained = refused(lambda: load_trained(path))
    assert changed or trained is not None
    if trained is None:
        return
    examples: Any = np.ones((3, _FEATURES), dtype=np.float32)
    if trained.kind == "texts":
        examples = ["one two", "two", "none"]
    elif trained.kind == "table":
        wide: Any = material.one_of((1.0, None, np.inf, 1e300, "wide", True))
        examples = pd.DataFrame({"wide": [wide, 2.0, 3.0], "form": material.one_of(("round", None, "oval", 7))})
    elif trained.kind == "images":
        return
    answered = refused(lambda: trained.predict(examples))
    if answered is not None:
        names, probabilities = answered
        assert set(names) <= set(trained.classes)
        assert probabilities.shape == (3, len(trained.classes))
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def _about(kind: str) -> dict[str, Any]:
    about: dict[str, Any] = {
        "version": 1,
        "kind": kind,
        "model": "mlp",
        "classes": ["cat", "dog"],
        "example_shape": [_FEATURES],
        "labels": 4,
        "encoder": None,
        "scale": 1.0,
    }
    if kind == "table":
        about |= {"numbers": ["wide"], "categories": ["form"], "values": [["flat", "round"]]}
    if kind == "texts":
        about["vocabulary"] = {"one": 0, "two": 1, "three": 2}
    return about


@cache
def _weights(kind: str) -> dict[str, torch.Tensor]:
    build = build_model("mlp", example_shape=(_FEATURES,), classes=2, sparse=kind == "texts")
    weights = {name: torch.full_like(tensor, 0.01) for name, tensor in build().state_dict().items()}
    if kind == "table":
        for name in ("medians", "origins", "means", "deviations"):
            weights[f"table.{name}"] = torch.ones(1, dtype=torch.float64)
    if kind == "texts":
        weights["texts.idf"] = torch.ones(_FEATURES, dtype=torch.float64)
    return weights
