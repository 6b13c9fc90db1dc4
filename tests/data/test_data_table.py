from __future__ import annotations

import datetime
import decimal
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from numpy.typing import NDArray

from ladle.data import DataConfig, Pool, load_pool, read_table, split_whole
from ladle.errors import ConfigError, DataError


def load(path: Path, target: str = "kind", **options: Any) -> Pool:
    return load_pool(DataConfig("table", path=str(path), target=target, **options))


def rows_of(pool: Pool) -> NDArray[np.float32]:
    """All rows, the test split last."""
    parts = [inputs for inputs, _ in pool.parts().values()]
    return np.vstack([part.numpy() for part in parts if isinstance(part, torch.Tensor)])


def frame(rows: int = 60, **columns: Any) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    base = {"size": generator.normal(5, 3, rows), "kind": ["cat", "dog", "emu"] * (rows // 3)}
    return pd.DataFrame(base | columns)


def csv(folder: Path, table: pd.DataFrame, name: str = "zoo.csv") -> Path:
    table.to_csv(folder / name, index=False)
    return folder / name


def test_numbers_are_standardised_by_the_training_part_alone(tmp_path: Path) -> None:
    table = frame(weight=np.random.default_rng(1).exponential(9.0, 60))
    path = csv(tmp_path, table)
    pool = load(path, split_seed=3)
    labels = table["kind"].map({"cat": 0, "dog": 1, "emu": 2}).to_numpy()
    split = split_whole(labels, test=0.2, validation=0.1, seed=3)
    values = table[["size", "weight"]].to_numpy()
    training = [values[row] for row in range(60) if row not in set(split.test)]
    mean = sum(training) / len(training)
    deviation = (sum((row - mean) ** 2 for row in training) / len(training)) ** 0.5
    expected = (values - mean) / deviation
    assert isinstance(pool.inputs, torch.Tensor)
    assert isinstance(pool.test_inputs, torch.Tensor)
    np.testing.assert_allclose(pool.inputs.numpy(), expected[split.pool], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(pool.test_inputs.numpy(), expected[split.test], rtol=1e-5, atol=1e-6)
    assert pool.labels.tolist() == labels[split.pool].tolist()
    assert (pool.name, pool.modality, pool.classes) == ("zoo", "table", ("cat", "dog", "emu"))
    assert (len(pool), len(pool.validation_labels), len(pool.test_labels)) == (43, 5, 12)


def test_subsampling_changes_no_row_that_stays(tmp_path: Path) -> None:
    path = csv(tmp_path, frame())
    whole, part = load(path), load(path, pool_size=10)
    assert len(part) == 10
    assert torch.equal(torch.as_tensor(whole.inputs)[:10], torch.as_tensor(part.inputs))
    assert torch.equal(torch.as_tensor(whole.test_inputs), torch.as_tensor(part.test_inputs))


def test_categories_become_columns_of_zero_and_one(tmp_path: Path) -> None:
    table = frame().assign(
        colour=pd.Series(["red", "blue", None] * 20),
        tame=[True, False] * 30,
        level=pd.Categorical(["low", "high"] * 30, categories=["low", "mid", "high"]),
    )
    table.to_parquet(tmp_path / "zoo.parquet")
    pool = load(tmp_path / "zoo.parquet")
    rows = rows_of(pool)
    # One number, then blue, red and missing, false and true, high and low.
    assert rows.shape == (60, 8)
    assert set(np.unique(rows[:, 1:])) == {0.0, 1.0}
    assert rows[:, 1:4].sum(1).tolist() == rows[:, 4:6].sum(1).tolist() == rows[:, 6:].sum(1).tolist() == [1.0] * 60
    assert rows[:, 1:].sum(0).tolist() == [20, 20, 20, 30, 30, 30, 30]


def test_a_category_that_only_the_test_split_has_is_all_zeros(tmp_path: Path) -> None:
    table = frame()
    split = split_whole(table["kind"].map({"cat": 0, "dog": 1, "emu": 2}).to_numpy(), test=0.2, validation=0.1)
    table["colour"] = "red"
    table.loc[split.test[0], "colour"] = "unheard-of"
    pool = load(csv(tmp_path, table))
    assert isinstance(pool.test_inputs, torch.Tensor)
    assert pool.example_shape == (2,)
    assert pool.test_inputs[:, 1].tolist() == [0.0] + [1.0] * 11


def test_a_missing_number_is_the_median_of_the_training_part(tmp_path: Path) -> None:
    table = frame(weight=[float(n) for n in range(60)])
    table.loc[::7, "weight"] = np.nan
    split = split_whole(table["kind"].map({"cat": 0, "dog": 1, "emu": 2}).to_numpy(), test=0.2, validation=0.1)
    known = sorted(w for row, w in enumerate(table["weight"]) if row in set(split.training) and w == w)
    middle = (known[(len(known) - 1) // 2] + known[len(known) // 2]) / 2
    filled = table.assign(weight=table["weight"].fillna(middle))
    (tmp_path / "filled").mkdir()
    assert load(csv(tmp_path, table)).fingerprint() == load(csv(tmp_path / "filled", filled)).fingerprint()


@pytest.mark.parametrize("mark", ["", "?", "NA", " ?"])
def test_the_usual_marks_of_missing_values_leave_a_column_of_numbers(tmp_path: Path, mark: str) -> None:
    lines = ["size,kind", *(f"{mark if n % 9 == 4 else n},{'ab'[n % 2]}" for n in range(40))]
    (tmp_path / "zoo.csv").write_text("\n".join(lines))
    pool = load(tmp_path / "zoo.csv")
    assert pool.example_shape == (1,)
    assert np.unique(rows_of(pool)).size > 30


def test_constant_and_empty_columns_become_zeros(tmp_path: Path) -> None:
    pool = load(csv(tmp_path, frame(always=3.1, huge=1.7e18, never=np.nan, count=1)))
    rows = rows_of(pool)
    assert rows.shape == (60, 5)
    assert np.all(rows[:, 1:] == 0)
    assert np.isfinite(rows).all()


def test_kinds_of_numbers_that_parquet_has_are_numbers(tmp_path: Path) -> None:
    table = frame(
        whole=pd.array([1, None, 3] * 20, dtype="Int64"),
        money=[decimal.Decimal("1.25"), None, decimal.Decimal("7.5")] * 20,
        small=np.arange(60, dtype=np.uint8),
    )
    table.to_parquet(tmp_path / "zoo.pq")
    rows = rows_of(load(tmp_path / "zoo.pq"))
    assert rows.shape == (60, 4)
    assert np.abs(rows[:, :].mean(0)).max() < 0.4


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([10, 9, 2], ("2", "9", "10")),
        ([1.0, -1.0, 0.0], ("-1", "0", "1")),
        ([0.5, 10.0, 2.0], ("0.5", "2.0", "10.0")),
        ([True, False, True], ("False", "True")),
        (["10", "9", "b"], ("10", "9", "b")),
        (["no", "inf", "yes"], ("inf", "no", "yes")),
    ],
)
def test_classes_are_in_the_order_of_their_numbers_or_their_text(
    tmp_path: Path, values: list[Any], classes: tuple[str, ...]
) -> None:
    table = frame(kind=values * 20)
    table.to_parquet(tmp_path / "zoo.parquet")
    pool = load(tmp_path / "zoo.parquet")
    assert pool.classes == classes
    named = {str(value).removesuffix(".0") if classes[0] == "-1" else str(value) for value in values}
    assert set(classes) == named
    assert load(csv(tmp_path, table)).classes == classes


def test_text_classes_that_are_numbers_are_in_the_order_of_numbers(tmp_path: Path) -> None:
    table = frame(kind=["10", "9", "2"] * 20)
    table.to_parquet(tmp_path / "zoo.parquet")
    assert load(tmp_path / "zoo.parquet").classes == ("2", "9", "10")


def test_each_kind_of_file_gives_the_same_pool(tmp_path: Path) -> None:
    table = frame(colour=["red", "blue"] * 30)
    table.to_parquet(tmp_path / "zoo.parquet")
    table.to_csv(tmp_path / "zoo.TSV", sep="\t", index=False)
    (tmp_path / "zoo.csv.gz").write_bytes(gzip.compress(csv(tmp_path, table).read_bytes()))
    pools = [load(tmp_path / f"zoo.{kind}") for kind in ("csv", "csv.gz", "parquet", "TSV")]
    assert {pool.fingerprint() for pool in pools} == {pools[0].fingerprint()}
    assert {pool.name for pool in pools} == {"zoo"}


def test_the_row_numbers_that_pandas_writes_are_no_feature(tmp_path: Path) -> None:
    table = frame()
    table.to_csv(tmp_path / "zoo.csv")
    (tmp_path / "plain").mkdir()
    assert load(tmp_path / "zoo.csv").fingerprint() == load(csv(tmp_path / "plain", table)).fingerprint()
    table.set_index(np.arange(60) * 3).to_csv(tmp_path / "zoo.csv")
    assert load(tmp_path / "zoo.csv").example_shape == (2,)


def test_a_separator_at_the_end_of_each_line_shifts_nothing(tmp_path: Path) -> None:
    path = csv(tmp_path, frame())
    pool = load(path)
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *(f"{row}," for row in rows)]))
    assert load(path).fingerprint() == pool.fingerprint()


def test_a_relative_path_is_the_working_directory_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    csv(tmp_path, frame(), "zoo.v1.csv")
    monkeypatch.chdir(tmp_path)
    assert load(Path("zoo.v1.csv")).name == "zoo.v1"


def test_a_file_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=rf"got path='zoo.csv', not a file under {tmp_path}\); correct path"):
        load(Path("zoo.csv"))
    with pytest.raises(DataError, match="not a file"):
        load(tmp_path)


def test_a_missing_target_names_the_file_and_its_columns(tmp_path: Path) -> None:
    path = csv(tmp_path, frame())
    with pytest.raises(DataError, match=rf"got target='class', {path} has 'size', 'kind'\); name one of them"):
        load(path, target="class")


def damaged_files() -> list[tuple[str, bytes, type[Exception], str]]:
    return [
        ("zoo.csv", b"", DataError, r"a table can be read \(got .*zoo.csv: No columns to parse.*\); write it anew"),
        ("zoo.csv", b"size,kind\n", DataError, r"a table has at least one row \(got .*zoo.csv with none\); check"),
        ("zoo.csv", b"size,kind\n\xff\xfe,a\n", DataError, r"zoo.csv: .*decode.*; write it anew as UTF-8"),
        ("zoo.csv", b"a,kind\n1,2\n1,2,3\n", DataError, r"zoo.csv: .*\); write it anew"),
        ("zoo.csv", b"a,kind\n1,2,3\n1,2,3\n", DataError, r"zoo.csv: Length of header .*\); write it anew"),
        ("zoo.csv", b"size;kind\n1,5;a\n", DataError, r"by commas \(got semicolons in 'size;kind' of .*zoo"),
        ("zoo.csv", b"size\tkind\n1\ta\n", DataError, r"by commas \(got tabs in .*; save it with commas, or"),
        ("zoo.csv.gz", gzip.compress(b"size;kind\n1;a\n", mtime=0), DataError, r"by commas \(got semicolons in"),
        ("zoo.csv.gz", b"size,kind\n", DataError, r"a table can be read \(got .*zoo.csv.gz: "),
        ("zoo.parquet", b"PAR1 no", DataError, r"a table can be read \(got .*zoo.parquet: .*\); write it anew"),
        ("zoo.xlsx", b"", ConfigError, r"is a .csv, .tsv, .parquet or .pq file \(got .*zoo.xlsx\); convert it"),
    ]


@pytest.mark.parametrize(("name", "content", "error", "message"), damaged_files())
def test_a_damaged_file_is_named(
    tmp_path: Path, name: str, content: bytes, error: type[Exception], message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=message) as caught:
        load(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_semicolons_are_text_beside_commas_and_in_other_kinds_of_file(tmp_path: Path) -> None:
    for name, content in (("a.csv", b"note;x,kind\n1;2,a\n"), ("b.csv", b"note\n1;2\n"), ("c.tsv", b"note;x\n1;2\n")):
        (tmp_path / name).write_bytes(content)
    found = [read_table(tmp_path / name).to_dict("list") for name in ("a.csv", "b.csv", "c.tsv")]
    assert found == [{"note;x": ["1;2"], "kind": ["a"]}, {"note": ["1;2"]}, {"note;x": ["1;2"]}]


def test_text_that_is_no_utf_8_is_found_before_it_is_looked_at(tmp_path: Path) -> None:
    offsets, content = pa.py_buffer(np.arange(3, dtype=np.int32) * 3), pa.py_buffer(b"catd\xb3g")
    kinds = pa.Array.from_buffers(pa.string(), 2, [None, offsets, content])
    pq.write_table(pa.table({"kind": kinds, "size": [1.0, 2.0]}), tmp_path / "zoo.parquet")
    with pytest.raises(DataError, match=r"a table can be read \(got .*zoo.parquet: .*UTF8.*\); write it anew"):
        read_table(tmp_path / "zoo.parquet")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"kind": "cat"}, r"at least two classes \(got only 'cat' in column 'kind' of .*zoo.parquet\); name another"),
        ({"kind": ["cat", "dog", None] * 20}, r"got 20 of 60 rows without one in column 'kind' of .*; drop those rows"),
        ({"kind": np.linspace(0, 1, 60)}, r"classes repeat \(got 60 different values in the 60 rows of column 'kind'"),
        ({"size": [1.0, -float("inf"), None] * 20}, r"numbers are finite .* \(got inf in column 'size' of .*\); clean"),
        ({"size": [0.0] * 59 + [1e300]}, r"fit into float32 \(got 1e\+300 in column 'size' of .*\); clean or rescale"),
        ({"day": datetime.datetime(2024, 5, 1)}, r"got datetime64.* in column 'day' of .*; turn the column into"),
    ],
)
def test_a_column_that_cannot_be_used_is_named(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    frame(**columns).to_parquet(tmp_path / "zoo.parquet")
    with pytest.raises(DataError, match=message):
        load(tmp_path / "zoo.parquet")


def test_a_row_far_outside_of_the_training_part_is_refused(tmp_path: Path) -> None:
    table = frame()
    split = split_whole(table["kind"].map({"cat": 0, "dog": 1, "emu": 2}).to_numpy(), test=0.2, validation=0.1)
    table["size"] *= 1e-3
    table.loc[split.test[0], "size"] = 1e38
    path = csv(tmp_path, table)
    with pytest.raises(DataError, match=r"standardised numbers fit .* \(got .*zoo.csv with a row far outside"):
        load(path)


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = pa.table([pa.array([1, 2]), pa.array([3, 4]), pa.array([0, 1])], names=["size", "size", "kind"])
    pq.write_table(table, tmp_path / "zoo.parquet")
    with pytest.raises(DataError, match=r"zoo.parquet"):
        load(tmp_path / "zoo.parquet")


def test_a_column_of_names_is_refused(tmp_path: Path) -> None:
    path = csv(tmp_path, frame(1200, name=[f"animal {n}" for n in range(1200)]))
    with pytest.raises(DataError, match=r"at most 1000 different values \(got 1200 in column 'name' of .*; leave"):
        load(path)


def test_a_table_of_the_target_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a table has columns of features \(got none in .*zoo.csv\); add some"):
        load(csv(tmp_path, frame()[["kind"]]))


def test_a_class_with_one_row_is_kept_in_training(tmp_path: Path) -> None:
    table = frame()
    table.loc[0, "kind"] = "yak"
    pool = load(csv(tmp_path, table))
    assert pool.classes == ("cat", "dog", "emu", "yak")
    assert pool.summary()["class_counts"]["pool"][3] == 1


@pytest.mark.parametrize(
    ("name", "rows", "columns", "classes", "counts"),
    [
        ("isolet_1560.parquet", 1560, 617, 26, (1123, 125, 312)),
        ("poker_hand_uci_train.csv", 25008, 10, 10, (18005, 2001, 5002)),
        ("german_credit.csv", 1000, 61, 2, (720, 80, 200)),
    ],
)
def test_real_tables_load(
    data_home: Path, name: str, rows: int, columns: int, classes: int, counts: tuple[int, int, int]
) -> None:
    if not (data_home / "tabular" / name).is_file():
        pytest.skip(f"no copy of {name}")
    pool = load(data_home / "tabular" / name, target="class")
    summary = pool.summary()
    assert pool.name == name.split(".")[0]
    assert (summary["pool"], summary["validation"], summary["test"]) == counts
    assert sum(counts) == rows
    assert (pool.example_shape, len(pool.classes)) == ((columns,), classes)
    training = rows_of(pool)[: counts[0] + counts[1]]
    assert np.isfinite(rows_of(pool)).all()
    numeric = training[:, ~np.isin(training, (0.0, 1.0)).all(0)]
    np.testing.assert_allclose(numeric.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(numeric.std(0), 1, atol=1e-3)
    assert min(summary["class_counts"]["pool"]) > 0


def test_the_poker_hands_of_the_rarest_kind_reach_pool_and_test(data_home: Path) -> None:
    path = data_home / "tabular" / "poker_hand_uci_train.csv"
    if not path.is_file():
        pytest.skip("no copy of Poker Hand")
    pool = load(path, target="class")
    assert pool.classes == tuple("0123456789")
    assert pool.summary()["class_counts"]["test"][8:] == [1, 1]
    assert pool.summary()["class_counts"]["pool"][8:] == [4, 4]
