"""A selection from shards gives the picks of the same arrays in memory, within its memory, or a clear error."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow
import pyarrow.fs
import pyarrow.parquet
import pytest
import torch
from numpy.typing import NDArray

from ladle.data.shard_copies import write_shards
from ladle.data.shards import ShardedMatrix
from ladle.engines import Copying, Plan, Progress, select_from_shards
from ladle.errors import BudgetError, ConfigError, DataError, InputError, UnknownNameError
from ladle.gradients import find_loss
from ladle.selectors import AnchoredEmbedding, farthest_first
from ladle.strategies import CATALOG, PoolOutputs, list_strategies, score, select

ROWS, WIDTH, CLASSES = 7001, 12, 5


@pytest.fixture(scope="module")
def arrays() -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(ROWS, WIDTH)).astype(np.float16)
    logits = (2 * rng.normal(size=(ROWS, CLASSES))).astype(np.float16)
    # A few twins: ties and zero distances must come out the same as well.
    features[4000:4040], logits[4000:4040] = features[:40], logits[:40]
    labeled = rng.choice(ROWS, 60, replace=False)
    return features, logits, labeled, rng.integers(0, CLASSES, 60)


@pytest.fixture(scope="module")
def shards(arrays: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    # Cut at different places, and not where chunks end.
    write_shards(folder / "features", iter([arrays[0]]), rows_a_file=1500)
    write_shards(folder / "logits", iter([arrays[1]]), rows_a_file=3333)
    return folder


def chosen(shards: Path, arrays: Any, strategy: Any, budget: int = 200, **named: Any) -> Any:
    named = {"features": shards / "features", "logits": shards / "logits"} | named
    return select_from_shards(
        strategy, labeled=arrays[2], labels=arrays[3], budget=budget, seed=3, memory="4GiB", **named
    )


def in_memory(arrays: Any, strategy: Any, budget: int = 200, **named: Any) -> list[int]:
    features, logits, labeled, labels = arrays
    picks = select(
        strategy, features=features, logits=logits, labeled=labeled, labels=labels, budget=budget, seed=3, **named
    )
    return [int(pick) for pick in picks]


@pytest.mark.parametrize("name", list_strategies())
def test_the_picks_are_those_of_the_arrays_in_memory(name: str, shards: Path, arrays: Any) -> None:
    selection = chosen(shards, arrays, name)
    assert selection.picks.tolist() == in_memory(arrays, name)
    assert selection.unlabeled == ROWS - 60


@pytest.mark.parametrize("name", ["grad", "badge", "k-center"])
def test_the_size_of_a_block_and_what_is_kept_change_nothing(
    name: str, shards: Path, arrays: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ladle.engines.plan._BLOCK_BYTES", 1)  # a chunk a block
    selection = chosen(shards, arrays, name)
    assert selection.plan.block_rows == 2048
    assert selection.picks.tolist() == in_memory(arrays, name)


def test_nothing_is_kept_when_the_cap_is_just_enough(
    shards: Path, arrays: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ladle.engines.plan._resident_bytes", lambda: 300 << 20)
    plans: list[Plan] = []
    chosen(shards, arrays, "badge", on_plan=plans.append)
    assert plans[0].kept_blocks > 0
    tight = plans[0].memory - plans[0].kept_blocks * plans[0].block_rows * (WIDTH + CLASSES) * 2
    outputs: dict[str, Any] = {"features": shards / "features", "logits": shards / "logits"}
    selection = select_from_shards(
        "badge", labeled=arrays[2], labels=arrays[3], budget=200, seed=3, memory=tight, on_plan=plans.append, **outputs
    )
    assert plans[1].kept_blocks == 0
    assert plans[1].read > plans[0].read
    assert selection.picks.tolist() == in_memory(arrays, "badge")


def test_scores_come_with_the_picks(shards: Path, arrays: Any) -> None:
    features, logits, labeled, labels = arrays
    selection = chosen(shards, arrays, "grad")
    expected = score("grad", features=features, logits=logits, labeled=labeled, labels=labels)[selection.picks]
    assert np.array_equal(selection.scores, expected)
    assert chosen(shards, arrays, "badge").scores is None


def test_parquet_shards_are_copied_once(arrays: Any, shards: Path, tmp_path: Path) -> None:
    features = arrays[0].astype(np.float32)
    for number, part in enumerate(np.array_split(features, 3)):
        table = pyarrow.table({f"f{column}": part[:, column] for column in range(WIDTH)})
        pyarrow.parquet.write_table(table, tmp_path / f"part-{number}.parquet")
    scratch = tmp_path / "scratch"
    selection = chosen(shards, arrays, "badge", features=f"{tmp_path}/part-*.parquet", scratch=scratch)
    assert selection.picks.tolist() == in_memory(arrays, "badge")
    before = {file: file.stat().st_mtime_ns for file in scratch.iterdir()}
    assert len(before) == 3
    chosen(shards, arrays, "badge", features=f"{tmp_path}/part-*.parquet", scratch=scratch)
    assert {file: file.stat().st_mtime_ns for file in scratch.iterdir()} == before


def test_without_labels_and_without_bias(shards: Path, arrays: Any) -> None:
    features, logits = arrays[:2]
    nobody = np.empty(0, dtype=np.int64)
    outputs: dict[str, Any] = {"features": shards / "features", "logits": shards / "logits"}
    for name in ("entropy", "badge", "k-center"):
        selection = select_from_shards(
            name, labeled=nobody, labels=nobody, budget=50, seed=1, bias=False, memory="4GiB", **outputs
        )
        expected = select(
            name, features=features, logits=logits, labeled=nobody, labels=nobody, budget=50, seed=1, bias=False
        )
        assert selection.picks.tolist() == expected.tolist()


def test_what_is_said_before_copies_are_made_holds_for_them(
    in_parquet: Path, shards: Path, arrays: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ladle.engines.plan._resident_bytes", lambda: 300 << 20)
    monkeypatch.setattr("ladle.data.shard_trials._TRIAL_BYTES", 1000)
    scratch = tmp_path / "scratch"
    told: list[Copying | Plan | Progress] = []
    copies: list[int] = []

    def tell(one: Copying | Plan | Progress) -> None:
        told.append(one)
        copies.append(len(list(scratch.iterdir())))

    listening: dict[str, Any] = {"on_copying": tell, "on_plan": tell, "on_progress": tell}
    selection = chosen(in_parquet, arrays, "badge", scratch=scratch, **listening)
    total = sum(file.stat().st_size for file in scratch.iterdir())
    first, plan, *rest = told
    assert isinstance(first, Copying)
    assert (first.bytes_done, first.bytes_total) == (0, total)
    assert isinstance(plan, Plan)
    assert copies[:2] == [0, 0]
    copied = [one for one in rest if isinstance(one, Copying)]
    assert rest[: len(copied)] == copied
    assert [one.bytes_done for one in copied] == sorted(one.bytes_done for one in copied)
    assert copied[-1] == replace(first, bytes_done=total)
    in_npy = chosen(shards, arrays, "badge")
    assert replace(plan, seconds=0) == replace(selection.plan, seconds=0) == replace(in_npy.plan, seconds=0)
    assert selection.picks.tolist() == in_npy.picks.tolist()
    told.clear()
    chosen(in_parquet, arrays, "badge", scratch=scratch, **listening)
    assert not any(isinstance(one, Copying) for one in told)


@pytest.mark.parametrize("kind", ["npy", "parquet"])
def test_any_filesystem_of_pyarrow_holds_the_shards(
    kind: str, shards: Path, in_parquet: Path, arrays: Any, tmp_path: Path
) -> None:
    folder = in_parquet if kind == "parquet" else shards
    filesystem = pyarrow.fs.SubTreeFileSystem(str(folder), pyarrow.fs.LocalFileSystem())
    there: dict[str, Any] = {"features": "features", "logits": "logits", "filesystem": filesystem}
    selection = chosen(folder, arrays, "badge", scratch=tmp_path, **there)
    assert selection.picks.tolist() == in_memory(arrays, "badge")
    with pytest.raises(DataError, match="got none at nowhere"):
        chosen(folder, arrays, "badge", scratch=tmp_path, **there | {"logits": "nowhere"})


@pytest.mark.parametrize("kind", ["npy", "parquet"])
@pytest.mark.parametrize("wide", [False, True])
def test_several_labels_an_example(kind: Any, wide: bool, arrays: Any, tmp_path: Path) -> None:
    features, logits = arrays[0].astype(np.float64 if wide else np.float32), arrays[1]
    write_shards(tmp_path / "features", iter([features]), rows_a_file=3000, dtype=features.dtype.type, kind=kind)
    write_shards(tmp_path / "logits", iter([logits]), rows_a_file=5000, kind=kind)
    labels = np.random.default_rng(1).integers(0, 2, (60, CLASSES))
    several = features, logits, arrays[2], labels
    selection = chosen(tmp_path, several, "grad", loss="binary-cross-entropy", scratch=tmp_path / "scratch")
    assert selection.picks.tolist() == in_memory(several, "grad", loss="binary-cross-entropy")


def test_progress_counts_rows_and_passes(shards: Path, arrays: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ladle.engines.plan._BLOCK_BYTES", 1)
    seen: list[Progress] = []
    selection = chosen(shards, arrays, "badge", on_progress=seen.append)
    assert seen[0] == Progress(1, selection.plan.passes, 2048, ROWS)
    assert seen[-1].pass_number == selection.passes
    assert [one.pass_number for one in seen if one.rows_done == ROWS] == list(range(1, selection.passes + 1))
    assert all(one.passes >= one.pass_number for one in seen)


@pytest.fixture(scope="module")
def in_parquet(arrays: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parquet")
    write_shards(folder / "features", iter([arrays[0]]), rows_a_file=3000, kind="parquet")
    write_shards(folder / "logits", iter([arrays[1]]), rows_a_file=5000, kind="parquet")
    write_shards(folder / "short", iter([arrays[1][:-1]]), rows_a_file=5000, kind="parquet")
    write_shards(folder / "binary", iter([arrays[1][:, :1]]), rows_a_file=5000, kind="parquet")
    write_shards(folder / "uneven", iter([arrays[1]]), rows_a_file=5000, kind="parquet")
    write_shards(folder / "uneven" / "wide", iter([arrays[0]]), rows_a_file=7001, kind="parquet")
    return folder


@pytest.mark.parametrize(
    ("named", "error", "message"),
    [
        ({"logits": "short"}, InputError, "features=7001, logits=7000 rows"),
        ({"logits": "uneven/**/*.parquet"}, DataError, "equally wide"),
        ({"logits": "binary"}, InputError, r"each of at least two classes \(got 1\)"),
        ({"labeled": [ROWS], "labels": [0]}, InputError, r"from 0 to 7000 \(got 7001\)"),
        ({"labeled": [3, 4, 3], "labels": [0, 1, 0]}, InputError, "got 3 twice"),
        ({"labels": [0, 1]}, InputError, r"match labeled one to one.*\(got \(2,\)\)"),
        ({"labeled": [3], "labels": [CLASSES]}, InputError, r"from 0 to 4 \(got 5\)"),
        ({"labeled": [3], "labels": [0.5]}, InputError, "must be class numbers"),
        ({"labeled": [], "labels": []}, InputError, "compares with the labeled set"),
        ({"budget": 0}, BudgetError, "budget=0"),
        ({"budget": ROWS - 59}, BudgetError, "unlabeled=6941"),
        ({"loss": "hinge"}, UnknownNameError, "hinge"),
        (
            {"strategy": "entropy", "loss": "binary-cross-entropy", "labeled": [3], "labels": [[0, 1, 0, 0, 1]]},
            InputError,
            "takes an example to be of one class",
        ),
        ({"loss": "binary-cross-entropy"}, InputError, r"with shape \(60, 5\) \(got \(60,\)\)"),
        ({"memory": "20MiB"}, InputError, r"\(got 20 MiB, needed .*\); raise the cap"),
        ({"engine": "ray", "address": "127.0.0.1:9"}, ConfigError, r"got 127\.0\.0\.1:9: "),
        ({"free": 200_000}, DataError, "plain copies of features and logits need room"),
        ({"scratch": None}, DataError, r"folder for plain copies \(got scratch=None, 23"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_copied(
    named: dict[str, Any],
    error: type[Exception],
    message: str,
    in_parquet: Path,
    arrays: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if "engine" in named:
        pytest.importorskip("ray")
    asked: dict[str, Any] = {"strategy": "grad", "budget": 200, "labeled": arrays[2], "labels": arrays[3]}
    asked |= {"memory": "4GiB", "scratch": tmp_path / "scratch", "free": 1 << 30} | named
    free = SimpleNamespace(free=asked.pop("free"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: free)
    files = {name: in_parquet / asked.pop(name, name) for name in ("features", "logits")}
    with pytest.raises(error, match=message):
        select_from_shards(**asked, features=str(files["features"]), logits=str(files["logits"]))
    assert not list(tmp_path.glob("scratch/*"))


def test_a_strategy_that_needs_the_whole_pool_is_refused(shards: Path, arrays: Any) -> None:
    def density(outputs: PoolOutputs) -> torch.Tensor:
        from_mean: torch.Tensor = (outputs.features - outputs.features.mean(dim=0)).square().sum(dim=1)
        return from_mean

    whole = replace(CATALOG["entropy"], name="density", view=density, row_wise=False)
    with pytest.raises(InputError, match=r"sees each row alone \(got 'density'\); set row_wise=True"):
        chosen(shards, arrays, whole)


@pytest.mark.parametrize("name", [name for name in list_strategies() if CATALOG[name].needs_model])
def test_every_strategy_that_says_so_sees_each_row_alone(name: str, arrays: Any) -> None:
    features, logits = torch.from_numpy(arrays[0]).float(), torch.from_numpy(arrays[1]).float()
    labels = torch.from_numpy(arrays[3][:20])

    def view(rows: slice) -> Any:
        part = torch.cat([features[:20], features[rows]]), torch.cat([logits[:20], logits[rows]])
        seen: Any = CATALOG[name].view(PoolOutputs(*part, np.arange(20), labels, find_loss("cross-entropy"), bias=True))
        if isinstance(seen, torch.Tensor):
            return seen[20:]
        seen = seen.take(slice(20, None))
        if isinstance(seen, AnchoredEmbedding):
            gradients: Any = seen.rows
            return torch.cat([gradients.materialize().flatten(1), seen.squared.unsqueeze(1)], dim=1)
        return seen.materialize()

    assert CATALOG[name].row_wise
    assert torch.equal(view(slice(100, 200)), view(slice(0, 1000))[100:200])


@pytest.mark.parametrize(
    ("file", "value", "row"), [("features", np.nan, 5000), ("logits", np.inf, 3400), ("features", -np.inf, 0)]
)
def test_a_row_that_is_not_finite_is_named(
    file: str, value: float, row: int, arrays: Any, shards: Path, tmp_path: Path
) -> None:
    damaged = arrays[0 if file == "features" else 1].copy()
    damaged[row, 2] = value
    paths = write_shards(tmp_path, iter([damaged]), rows_a_file=1500)
    expected = rf"row {row % 1500} of {paths[row // 1500]}, row {row} of the pool"
    for name in ("entropy", "badge", "k-center"):
        with pytest.raises(DataError, match=expected):
            chosen(shards, arrays, name, 200, **{file: tmp_path})


@pytest.mark.parametrize("file", ["features", "logits"])
def test_labeled_rows_are_read_together_and_the_first_bad_one_is_named(
    file: str, arrays: Any, shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = arrays[0 if file == "features" else 1].copy()
    fifth, last = (int(arrays[2][place]) for place in (4, -1))
    damaged[last, 0], damaged[fifth, 1] = np.nan, np.inf
    paths = write_shards(tmp_path, iter([damaged]), rows_a_file=1500)
    asked: list[int] = []
    take = ShardedMatrix.take

    def counted(matrix: ShardedMatrix, rows: NDArray[Any]) -> NDArray[Any]:
        asked.append(len(rows))
        return take(matrix, rows)

    monkeypatch.setattr(ShardedMatrix, "take", counted)
    with pytest.raises(DataError, match=rf"row {fifth % 1500} of {paths[fifth // 1500]}, row {fifth} of the pool"):
        chosen(shards, arrays, "grad", 200, **{file: tmp_path})
    assert asked == [60] * (1 if file == "features" else 2)


def test_a_row_whose_square_overflows_is_named_as_it_is_in_memory(arrays: Any, shards: Path, tmp_path: Path) -> None:
    damaged = arrays[0].astype(np.float32)
    damaged[5000, 2] = 1e20
    paths = write_shards(tmp_path, iter([damaged]), rows_a_file=1500, dtype=np.float32)
    with pytest.raises(DataError, match=rf"shorter than 1e\+17.*got 1e\+20 in row 500 of {paths[3]}, row 5000"):
        chosen(shards, arrays, "badge", 200, features=tmp_path)
    with pytest.raises(InputError, match=r"shorter than 1e\+17.*got 1e\+20 in row 5000"):
        select("badge", features=damaged, logits=arrays[1].astype(np.float32), labeled=[1], labels=[0], budget=9)


def test_shards_that_disagree_are_named(arrays: Any, shards: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "a-1.npy", arrays[0][:10])
    np.save(tmp_path / "a-2.npy", arrays[0][:10, :7])
    with pytest.raises(DataError, match=r"equally wide \(got 12 columns in .*a-1\.npy, 7 in .*a-2\.npy\)"):
        chosen(shards, arrays, "grad", features=tmp_path)
    with pytest.raises(InputError, match=r"features=10, logits=7001"):
        chosen(shards, arrays, "grad", features=tmp_path / "a-1.npy")


def test_a_cap_that_cannot_hold_the_labeled_rows_is_refused_before_work_starts(shards: Path, arrays: Any) -> None:
    outputs: dict[str, Any] = {"features": shards / "features", "logits": shards / "logits"}
    seen: list[Any] = []
    with pytest.raises(InputError, match=r"60 labeled rows.*\(got 20 MiB, needed .*\); raise the cap"):
        select_from_shards(
            "badge", labeled=arrays[2], labels=arrays[3], budget=9, memory="20MiB", on_progress=seen.append, **outputs
        )
    assert not seen


@pytest.mark.parametrize(
    ("named", "error", "message"),
    [
        ({"budget": 0}, BudgetError, "budget=0"),
        ({"budget": ROWS}, BudgetError, "unlabeled=6941"),
        ({"engine": "spark"}, InputError, r"local or ray \(got 'spark'\)"),
        ({"features": "nothing-here-*.npy"}, DataError, r"got none at nothing-here-\*\.npy"),
        ({"features": "gopher://bucket/x"}, DataError, "where pyarrow can read"),
    ],
)
def test_wrong_input_is_refused(
    named: dict[str, Any], error: type[Exception], message: str, shards: Path, arrays: Any
) -> None:
    with pytest.raises(error, match=message):
        chosen(shards, arrays, "grad", **named)


@pytest.mark.parametrize("memory", ["", "4 apples", "-1", "0"])
def test_memory_that_is_no_size_is_refused(memory: str, shards: Path, arrays: Any) -> None:
    outputs: dict[str, Any] = {"features": shards / "features", "logits": shards / "logits"}
    with pytest.raises(InputError, match="write it like 4GiB"):
        select_from_shards("grad", labeled=arrays[2], labels=arrays[3], budget=9, memory=memory, **outputs)


def test_a_selector_of_ones_own_goes_through_passes(shards: Path, arrays: Any) -> None:
    def nearest_last(view: Any, labeled: Any, budget: int, *, generator: np.random.Generator) -> Any:
        return farthest_first(view, labeled, budget)[::-1]

    mine = replace(CATALOG["k-center"], name="mine", selector=nearest_last)
    assert chosen(shards, arrays, mine, 30).picks.tolist() == in_memory(arrays, "k-center", 30)[::-1]


_CAPPED = """
import sys
from pathlib import Path
import numpy as np
from ladle.engines import select_from_shards

def peak():
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) * 1024

folder = Path(sys.argv[1])
cap = peak() + int(sys.argv[3])
selection = select_from_shards(
    sys.argv[2], features=folder / "features", logits=folder / "logits", labeled=np.arange(50),
    labels=np.arange(50) % 5, budget=300, memory=cap, on_plan=lambda plan: print(plan.kept_blocks),
)
print(cap - peak())
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_the_cap_on_memory_is_kept(tmp_path: Path) -> None:
    # 152 MiB of rows; the cap leaves room for some of them.
    rng = np.random.default_rng(0)
    block = rng.normal(size=(60_000, 128)).astype(np.float16)
    blocks = (np.roll(block, turn, axis=1) for turn in range(10))
    write_shards(tmp_path / "features", blocks, rows_a_file=400_000)
    blocks = (block[:, turn : turn + 5] for turn in range(10))
    write_shards(tmp_path / "logits", blocks, rows_a_file=700_000)
    # Beside what the imports take, which is twice as much where torch is built for CUDA.
    room = 480 << 20
    for strategy in ("grad", "badge", "k-center"):
        command = [sys.executable, "-c", _CAPPED, str(tmp_path), strategy, str(room)]
        kept, left = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert int(left) >= 0
        if strategy != "grad":
            assert int(kept) > 0
