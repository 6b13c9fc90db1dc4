"""The cap on memory holds for every process: those that pass the rows, and the one that hands them out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ladle.data.shards import open_shards
from ladle.engines.plan import plan_selection
from ladle.engines.views import ShardedOutputs
from ladle.errors import InputError
from ladle.gradients import find_loss
from ladle.strategies import CATALOG

PROGRAM = 300 << 20


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ShardedOutputs:
    """40 million rows: one file of 10,000 again and again."""
    monkeypatch.setattr("ladle.engines.plan._resident_bytes", lambda: PROGRAM)
    rng = np.random.default_rng(0)
    for name, columns in (("features", 8), ("logits", 4)):
        np.save(tmp_path / f"{name}.npy", rng.normal(size=(10_000, columns)).astype(np.float16))
    h, z = open_shards(tmp_path / "features.npy"), open_shards(tmp_path / "logits.npy")
    few = torch.zeros(3, 8), torch.zeros(3, 4), torch.arange(3)
    h, z = replace(h, shards=h.shards * 4000), replace(z, shards=z.shards * 4000)
    return ShardedOutputs(h, z, np.arange(3), *few, find_loss("cross-entropy"), bias=True)


@pytest.mark.parametrize(("name", "bytes_a_row"), [("grad", 33), ("badge", 17)])
def test_what_the_process_that_hands_out_holds_of_all_rows_counts(
    outputs: ShardedOutputs, name: str, bytes_a_row: int
) -> None:
    # Measured with 20 million rows: what unlabeled_indices and top hold at their peak.
    held = PROGRAM + len(outputs) * bytes_a_row
    for parts in (2, 100, 10_000):
        plan = plan_selection(CATALOG[name], outputs, 100, 1 << 40, parts=parts)
        assert plan.memory > held
    with pytest.raises(InputError, match=r"of 40000000 pool rows and one block \(got .*\); raise the cap"):
        plan_selection(CATALOG[name], outputs, 100, held, parts=10_000)


def test_a_cap_too_small_for_one_process_is_kept_by_many(outputs: ShardedOutputs) -> None:
    cap = PROGRAM + (256 << 20) + len(outputs) * 24
    with pytest.raises(InputError, match="raise the cap"):
        plan_selection(CATALOG["badge"], outputs, 100, cap)
    for parts in (2, 100, 10_000):
        assert plan_selection(CATALOG["badge"], outputs, 100, cap, parts=parts).memory <= cap
