from __future__ import annotations

import pickle
import urllib.error
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import sklearn.datasets
from sklearn.utils import Bunch

from ladle.data import DataConfig, Pool, dataset_status, load_pool
from ladle.errors import ConfigError, DataError

WORDS = ["engine", "wheel", "goal", "keeper"]


def posts(count: int, extra: str = "") -> Bunch:
    """Posts with a header, a quote and a footer, about cars and about football."""
    data = []
    for number in range(count):
        topic = WORDS[:2] if number % 2 == 0 else WORDS[2:]
        body = f"the {topic[0]} and the {topic[number % 3 == 0]} {extra}"
        data.append(f"From: someone@there\nSubject: secret\n\n{body}\n> quoted words\n\n--\nMy signature")
    data[3] = "From: someone@there\n\n"
    return Bunch(
        data=data,
        target=np.arange(count) % 2,
        target_names=["cars", "football"],
        filenames=np.array([f"post {number}" for number in range(count)]),
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "sklearn").mkdir()
    stored = {"train": posts(40), "test": posts(12, extra="unseen")}
    (tmp_path / "sklearn" / "20news-bydate_py3.pkz").write_bytes(zlib.compress(pickle.dumps(stored)))
    return tmp_path


def load(home: Path | None, **options: Any) -> Pool:
    return load_pool(DataConfig("20newsgroups", **options), data_home=home)


def csr(inputs: object) -> scipy.sparse.csr_matrix:
    assert isinstance(inputs, scipy.sparse.csr_matrix)
    return inputs


def test_posts_become_sparse_rows_of_words_that_are_said_in_training(home: Path) -> None:
    pool = load(home)
    assert (pool.modality, pool.classes) == ("text", ("cars", "football"))
    # The four words: no headers, quotes, footers, stop words, nor words of the test split.
    assert pool.example_shape == (4,)
    assert (len(pool), len(pool.validation_labels)) == (36, 4)
    assert pool.test_labels.tolist() == [0, 1] * 6
    for inputs, labels in pool.parts().values():
        rows = csr(inputs).toarray()
        assert rows.dtype == np.float32
        lengths = np.linalg.norm(rows, axis=1)
        assert np.all((np.abs(lengths - 1) < 1e-6) | (lengths == 0))
        # The columns are engine, goal, keeper, wheel.
        cars, football = rows[:, [0, 3]].sum(1), rows[:, [1, 2]].sum(1)
        assert np.all(np.where(labels.numpy() == 0, football, cars) == 0)


def test_a_post_that_becomes_empty_stays_as_a_row_of_zeros(home: Path) -> None:
    pool = load(home)
    training = scipy.sparse.vstack([csr(pool.inputs), csr(pool.validation_inputs)], format="csr")
    assert training.shape[0] == 40
    assert (np.diff(training.indptr) == 0).sum() == (np.diff(csr(pool.test_inputs).indptr) == 0).sum() == 1


def test_the_words_are_those_of_the_whole_training_split(home: Path) -> None:
    whole, part = load(home), load(home, pool_size=2)
    assert part.example_shape == whole.example_shape
    assert np.array_equal(csr(part.inputs).toarray(), csr(whole.inputs)[:2].toarray())
    assert part.validation_labels.tolist() == whole.validation_labels.tolist()


def test_a_pool_larger_than_the_split_is_refused(home: Path) -> None:
    with pytest.raises(ConfigError, match=r"got pool_size=37, left=36\)"):
        load(home, pool_size=37)


def test_a_damaged_file_is_named_and_nothing_is_printed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "sklearn" / "20news-bydate_py3.pkz").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"got .*/sklearn/20news-bydate_py3.pkz, damaged or .*\); replace it with"):
        load(home)
    assert capsys.readouterr() == ("", "")


def no_network(**options: Any) -> None:
    assert options["data_home"] is None
    assert options["download_if_missing"]
    raise urllib.error.URLError("no such host")


def test_without_a_network_the_place_for_the_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LADLE_DATA_HOME", raising=False)
    monkeypatch.setattr(sklearn.datasets, "fetch_20newsgroups", no_network)
    failed = r"20newsgroups is downloaded on first use, and that failed \(got .*no such host.*\); run once with a "
    failed += "network, or put scikit-learn's 20news-bydate_py3.pkz into "
    with pytest.raises(DataError, match=failed + f"{tmp_path}/sklearn$"):
        load(tmp_path)
    with pytest.raises(DataError, match=failed + "DIR/sklearn, and name DIR with --data-home or LADLE_DATA_HOME$"):
        load(None)


def test_the_mirror_or_scikit_learn_s_own_folder_is_at_hand(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def status(data_home: Path | None) -> str:
        return next(entry.availability for entry in dataset_status(data_home) if entry.name == "20newsgroups")

    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(home / "none"))
    assert status(home) == "at hand"
    assert status(None) == status(home / "sklearn") == "fetched on first use"
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(home / "sklearn"))
    assert status(None) == "at hand"
    assert not (home / "none").exists(), "looking makes no folder"


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.0.0", reason="written with NumPy 2, which 1 cannot read")
def test_the_real_posts_load(data_home: Path) -> None:
    if not (data_home / "sklearn" / "20news-bydate_py3.pkz").is_file():
        pytest.skip("no copy of 20 Newsgroups")
    pool = load(data_home)
    assert len(pool) + len(pool.validation_labels) == 11_314
    assert (len(pool.validation_labels), len(pool.test_labels)) == (1_131, 7_532)
    assert pool.example_shape == (101_322,)
    assert (pool.classes[0], len(pool.classes)) == ("alt.atheism", 20)
    inputs = csr(pool.inputs)
    assert 60 < inputs.nnz / len(pool) < 75
    assert (np.diff(inputs.indptr) == 0).any()
