from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch import Tensor

from ladle.data import DataConfig, Pool, dataset_status, hub_images, load_pool
from ladle.errors import ConfigError, DataError, MissingExtraError

pytest.importorskip("datasets")
import datasets

CLASSES = ["cat", "dog", "emu"]


def encoded(pixels: Any, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(file, kind)
    return file.getvalue()


def rows(count: int, *, grey: bool, seed: int) -> tuple[list[bytes], list[int]]:
    generator = np.random.default_rng(seed)
    shape = (count, 28, 28) if grey else (count, 32, 32, 3)
    return [encoded(image) for image in generator.integers(0, 256, size=shape)], [n % 3 for n in range(count)]


def write(file: Path, images: list[bytes | None], labels: list[int], *, column: str, named: bool = True) -> None:
    """A Parquet file of the hub's schema."""
    label = {"names": CLASSES, "_type": "ClassLabel"} if named else {"dtype": "int64", "_type": "Value"}
    features = {"info": {"features": {column: {"_type": "Image"}, "label": label}}}
    table = pa.table(
        {
            column: pa.array(
                [{"bytes": image, "path": None} for image in images],
                type=pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
            ),
            "label": pa.array(labels, type=pa.int64()),
        }
    ).replace_schema_metadata({"huggingface": json.dumps(features)})
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, file, row_group_size=7)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data home with small mirrors, and a place of its own for temporary files."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    hub = tmp_path / "hub"
    for split, count in (("train", 60), ("test", 9)):
        seed = len(split)
        images, labels = rows(count, grey=False, seed=seed)
        write(hub / f"uoft-cs/cifar10/plain_text/{split}-00000-of-00001.parquet", [*images], labels, column="img")
        images, labels = rows(count, grey=True, seed=seed)
        write(hub / f"ylecun/mnist/mnist/{split}-00000-of-00001.parquet", [*images], labels, column="image")
    return tmp_path


def load(home: Path | None, name: str = "cifar10", **options: Any) -> Pool:
    return load_pool(DataConfig(name, **options), data_home=home)


def all_images(pool: Pool) -> Tensor:
    parts = [inputs for inputs, _ in pool.parts().values()]
    return torch.cat([part for part in parts if isinstance(part, Tensor)])


@pytest.mark.parametrize(("name", "channels"), [("cifar10", 3), ("mnist", 1)])
def test_a_mirror_is_read_with_its_official_split(home: Path, name: str, channels: int) -> None:
    pool = load(home, name)
    assert pool.name == f"{name}-69", "a part of a data set is named as one"
    assert (pool.modality, pool.classes, pool.example_shape) == ("image", ("cat", "dog", "emu"), (channels, 32, 32))
    assert (len(pool), len(pool.validation_labels)) == (54, 6)
    assert pool.test_labels.tolist() == [0, 1, 2] * 3
    images, _ = rows(60, grey=channels == 1, seed=5)
    held_out, _ = rows(9, grey=channels == 1, seed=4)
    expected = []
    for content in (*images, *held_out):
        resized = Image.open(io.BytesIO(content)).resize((32, 32), Image.Resampling.BILINEAR)
        expected.append((np.asarray(resized, dtype=np.float64).reshape(32, 32, channels) / 255 - 0.5) / 0.5)
    one_by_one = np.stack(expected).transpose(0, 3, 1, 2)
    found = all_images(pool).numpy()
    np.testing.assert_allclose(found[-9:], one_by_one[-9:], atol=1e-5)
    order = np.lexsort(found[:-9, 0, 0, :4].T), np.lexsort(one_by_one[:-9, 0, 0, :4].T)
    np.testing.assert_allclose(found[order[0]], one_by_one[order[1]], atol=1e-5)


def test_every_image_keeps_its_own_label(home: Path) -> None:
    images = [encoded(np.full((4, 4, 3), 80 * (n % 3))) for n in range(60)]
    file = home / "hub/uoft-cs/cifar10/plain_text/train-00000-of-00001.parquet"
    write(file, [*images], [n % 3 for n in range(60)], column="img")
    pool = load(home, image_size=2)
    assert isinstance(pool.inputs, Tensor)
    shade = ((pool.inputs[:, 0, 0, 0] + 1) * 127.5 / 80).round().long()
    assert torch.equal(shade, pool.labels)


def test_nothing_is_left_behind_and_the_mirror_stays_as_it_was(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from datasets.utils import are_progress_bars_disabled

    before = {file: file.stat().st_mtime_ns for file in home.rglob("*")}
    bars = are_progress_bars_disabled()
    load(home, pool_size=5)
    scratch = home / "scratch"
    after = {file: file.stat().st_mtime_ns for file in home.rglob("*")}
    assert {file: time for file, time in after.items() if file != scratch} == {
        file: time for file, time in before.items() if file != scratch
    }
    assert are_progress_bars_disabled() == bars
    assert capfd.readouterr() == ("", "")


def test_only_what_is_drawn_is_decoded(home: Path) -> None:
    whole, part = load(home), load(home, pool_size=7)
    assert torch.equal(all_images(whole)[:7], all_images(part)[:7])
    assert torch.equal(all_images(whole)[54:], all_images(part)[7:])
    file = home / "hub/uoft-cs/cifar10/plain_text/train-00000-of-00001.parquet"
    images, labels = rows(60, grey=False, seed=5)
    kept = {content for content in images if _is_among(content, all_images(part))}
    assert len(kept) == 13
    write(file, [content if content in kept else None for content in images], labels, column="img")
    assert load(home, pool_size=7).fingerprint() == part.fingerprint()
    with pytest.raises(
        DataError, match=r"got row \d+ of uoft-cs/cifar10: no known image format\); replace or remove it"
    ):
        load(home)


def _is_among(content: bytes, images: Tensor) -> bool:
    pixels = np.asarray(Image.open(io.BytesIO(content)), dtype=np.float32).transpose(2, 0, 1) / 127.5 - 1
    return bool(((images - torch.from_numpy(pixels)).abs().amax((1, 2, 3)) < 1e-5).any())


def test_classes_without_names_are_numbered(home: Path) -> None:
    images, labels = rows(60, grey=True, seed=5)
    write(home / "hub/ylecun/mnist/mnist/train-0.parquet", [*images], labels, column="image", named=False)
    (home / "hub/ylecun/mnist/mnist/train-00000-of-00001.parquet").unlink()
    images, labels = rows(9, grey=True, seed=4)
    write(home / "hub/ylecun/mnist/mnist/test-00000-of-00001.parquet", [*images], labels, column="image", named=False)
    assert load(home, "mnist").classes == ("0", "1", "2")


def test_a_pool_larger_than_the_mirror_is_refused(home: Path) -> None:
    with pytest.raises(ConfigError, match=r"got pool_size=25000, left=54\)"):
        load(home, pool_size=25_000)


def test_a_damaged_mirror_is_named(home: Path) -> None:
    folder = home / "hub/ylecun/mnist/mnist"
    file = folder / "test-00000-of-00001.parquet"
    images, labels = rows(9, grey=True, seed=4)
    write(folder / "train-00000-of-00001.parquet", [*images], labels, column="picture")
    write(file, [*images], labels, column="picture")
    message = r"ylecun/mnist has the columns 'image' and 'label' \(got picture, label in train\); download it anew"
    with pytest.raises(DataError, match=message):
        load(home, "mnist")
    write(folder / "train-00000-of-00001.parquet", [*images], labels, column="image")
    file.unlink()
    with pytest.raises(DataError, match=r"ylecun/mnist has the splits train and test \(got train\); download it anew"):
        load(home, "mnist")
    file.write_bytes(b"PAR1 nothing")
    with pytest.raises(
        DataError, match=r"a mirror can be read \(got .*ylecun/mnist: .*\); download its Parquet"
    ) as caught:
        load(home, "mnist")
    assert "\n" not in str(caught.value)


def no_network(*arguments: object, **options: object) -> None:
    raise ConnectionError("no way to the hub\nafter five tries")


def test_without_a_network_the_place_for_the_files_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LADLE_DATA_HOME", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "no cache"))
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", no_network)
    # It would retry for half a minute; one question is enough where nothing is cached.
    monkeypatch.setattr(datasets, "load_dataset", lambda *_: pytest.fail("the package was left to retry"))
    message = (
        r"uoft-cs/cifar10 is downloaded on first use, and that failed \(got no way to the hub\); run once with a"
        r" network, or elsewhere 'hf download --repo-type dataset uoft-cs/cifar10 --local-dir "
    )
    with pytest.raises(DataError, match=message + rf"{tmp_path}/hub/uoft-cs/cifar10'$"):
        load(tmp_path)
    with pytest.raises(
        DataError, match=message + r"DIR/hub/uoft-cs/cifar10', and name DIR with --data-home or LADLE_DATA_HOME$"
    ):
        load(None)
    assert capfd.readouterr() == ("", "")
    (tmp_path / "no cache/datasets/uoft-cs___cifar10").mkdir(parents=True)

    def damaged(*_given: object) -> None:
        raise OSError("half a file\nin the cache")

    monkeypatch.setattr(datasets, "load_dataset", damaged)
    message = r"___cifar10, or fetched again \(got half a file, and then no way to the hub\); run once with a network"
    with pytest.raises(DataError, match=message):
        load(None)


def test_the_hub_is_asked_by_the_repository_s_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = datasets.load_dataset
    asked = []

    def hub(path: str, cache_dir: str | None) -> Any:
        asked.append((path, cache_dir))
        return real(str(home / "hub" / path), cache_dir=str(home / "cache"))

    (home / "elsewhere").mkdir()
    monkeypatch.chdir(home / "elsewhere")
    monkeypatch.setenv("HF_HOME", str(home / "no cache"))
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", lambda *_, **__: None)
    monkeypatch.setattr(datasets, "load_dataset", hub)
    pool = load(home / "elsewhere", pool_size=3)
    assert asked == [("uoft-cs/cifar10", None)]
    monkeypatch.undo()
    assert pool.fingerprint() == load(home, pool_size=3).fingerprint()


def test_a_folder_of_the_repository_s_name_is_not_taken_for_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home / "hub")
    with pytest.raises(
        DataError, match=r"got a folder of that name in the working directory.*; work in another folder"
    ):
        load(home / "scratch")
    assert load(home).name == "cifar10-69"


def test_the_optional_package_is_asked_for_by_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_images, "find_spec", lambda name: None)
    with pytest.raises(
        MissingExtraError, match=r"data set 'mnist' needs .*; install it with: pip install 'ladle\[hub\]'"
    ):
        load(tmp_path, "mnist")


def test_the_mirror_or_the_packages_cache_is_at_hand(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def status(data_home: Path | None) -> str:
        return next(entry.availability for entry in dataset_status(data_home) if entry.name == "mnist")

    for variable in ("HF_HOME", "HF_DATASETS_CACHE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(home / "scratch"))
    assert status(home) == "at hand"
    assert status(None) == status(home / "scratch") == "fetched on first use"
    (home / "scratch/.cache/huggingface/datasets/ylecun___mnist").mkdir(parents=True)
    assert status(None) == "at hand"
    monkeypatch.setenv("HF_HOME", str(home / "hub"))
    assert status(None) == "fetched on first use"
    (home / "hub/datasets/ylecun___mnist").mkdir(parents=True)
    assert status(None) == "at hand"


def test_the_real_mirror_of_mnist_loads(data_home: Path) -> None:
    if not (data_home / "hub/ylecun/mnist").is_dir():
        pytest.skip("no mirror of MNIST")
    pool = load(data_home, "mnist", pool_size=500)
    assert pool.classes == tuple("0123456789")
    assert (len(pool), pool.example_shape) == (500, (1, 32, 32))
    images = all_images(pool)
    assert images.min() == -1
    assert images.max() > 0.9
    # Digits are light strokes on black.
    assert -0.95 < images.mean() < -0.6


def test_the_real_mirror_of_cifar10_loads(data_home: Path) -> None:
    if not (data_home / "hub/uoft-cs/cifar10").is_dir():
        pytest.skip("no mirror of CIFAR-10")
    pool = load(data_home, "cifar10", pool_size=100, image_size=8, validation=0.01)
    assert (pool.name, len(pool), pool.example_shape) == ("cifar10", 100, (3, 8, 8))
    assert pool.classes[:3] == ("airplane", "automobile", "bird")
    assert pool.summary()["class_counts"]["test"] == [1000] * 10


REPOSITORIES = {
    "stl10": ("tanganke/stl10/data", ("train", "test")),
    "gtsrb": ("tanganke/gtsrb/data", ("train", "test", "contrast")),
    "cinic10": ("flwrlabs/cinic10/data", ("train", "validation", "test")),
    "svhn": ("ufldl-stanford/svhn/cropped_digits", ("train", "test", "extra")),
}


@pytest.mark.parametrize("name", list(REPOSITORIES))
def test_the_other_image_sets_are_read_in_their_own_layout(name: str, home: Path) -> None:
    folder, splits = REPOSITORIES[name]
    for place, split in enumerate(splits):
        # Each split has its own number of rows, to tell them apart.
        images, labels = rows(30 + 10 * place, grey=False, seed=place)
        write(home / "hub" / folder / f"{split}-00000-of-00001.parquet", [*images], labels, column="image")
    if name == "svhn":
        # The repository's other configuration, with another schema, must not be read.
        other = home / "hub/ufldl-stanford/svhn/full_numbers/train-00000-of-00001.parquet"
        other.parent.mkdir(parents=True)
        pq.write_table(pa.table({"digits": [1, 2]}), other)
    pool = load(home, name)
    training = {"cinic10": 30 + 40}.get(name, 30)
    test = 50 if name == "cinic10" else 40
    assert len(pool) + len(pool.validation_labels) == training
    assert len(pool.test_labels) == test
    assert pool.name == f"{name}-{training + test}"
    assert pool.example_shape == (3, 32, 32)
    assert pool.classes == tuple(CLASSES)


def test_a_mirror_without_the_second_training_split_is_refused(home: Path) -> None:
    for split in ("train", "test"):
        images, labels = rows(12, grey=False, seed=1)
        write(home / f"hub/flwrlabs/cinic10/data/{split}-00000-of-00001.parquet", [*images], labels, column="image")
    with pytest.raises(DataError, match="train, validation and test"):
        load(home, "cinic10")


def replaced(home: Path, column: str, values: pa.Array) -> None:
    file = home / "hub/uoft-cs/cifar10/plain_text/train-00000-of-00001.parquet"
    table = pq.read_table(file).replace_schema_metadata({})
    table = table.set_column(table.schema.get_field_index(column), column, values)
    pq.write_table(table, file)
    other = file.with_name("test-00000-of-00001.parquet")
    pq.write_table(table.slice(0, 9), other)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pa.array(["cat", "dog", "emu"] * 20), "'label' of uoft-cs/cifar10 holds class numbers from 0"),
        (pa.array([0, 1, -1] * 20), "class numbers from 0 .got int64 from -1 to 1"),
        (pa.array([0, 1, 10**12] * 20), "class numbers from 0 .got int64 from 0 to 1000000000000"),
        (pa.array([0.5, 1.0, 2.0] * 20), "class numbers from 0 .got float"),
    ],
)
def test_labels_that_are_no_class_numbers_are_named(home: Path, values: pa.Array, message: str) -> None:
    replaced(home, "label", values)
    with pytest.raises(DataError, match=message) as caught:
        load(home)
    assert "\n" not in str(caught.value)


def test_images_that_are_not_encoded_are_named(home: Path) -> None:
    replaced(home, "img", pa.array(["an image"] * 60))
    with pytest.raises(DataError, match=r"'img' of uoft-cs/cifar10 holds encoded images \(got string\)"):
        load(home)
