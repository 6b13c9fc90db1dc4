from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from ladle.data import DataConfig, load_pool, split_whole


def test_digits_are_grey_images_split_in_proportion() -> None:
    pool = load_pool(DataConfig("digits", split_seed=4))
    digits = load_digits()
    split = split_whole(digits.target, test=0.2, validation=0.1, seed=4)
    assert (pool.name, pool.modality, pool.classes) == ("digits", "image", tuple("0123456789"))
    assert (len(pool), len(pool.validation_labels), len(pool.test_labels)) == (1294, 144, 359)
    assert isinstance(pool.inputs, Tensor)
    assert pool.inputs.shape == (1294, 1, 8, 8)
    expected = (digits.images[split.pool] / 16 - 0.5) / 0.5
    np.testing.assert_allclose(pool.inputs[:, 0].numpy(), expected, atol=1e-6)
    assert pool.labels.tolist() == digits.target[split.pool].tolist()
    assert all(35 <= count <= 37 for count in pool.summary()["class_counts"]["test"])


def test_an_image_size_enlarges_them_within_their_range() -> None:
    small, large = load_pool(DataConfig("digits")), load_pool(DataConfig("digits", image_size=32))
    assert large.example_shape == (1, 32, 32)
    assert torch.equal(small.labels, large.labels)
    assert isinstance(large.inputs, Tensor)
    assert isinstance(small.inputs, Tensor)
    assert large.inputs.abs().max() <= 1
    # Enlarging keeps each image about as dark as it was.
    shades = [images.mean((1, 2, 3)) for images in (small.inputs, large.inputs)]
    torch.testing.assert_close(shades[0], shades[1], atol=0.05, rtol=0)


def test_equal_configurations_give_equal_pools_and_other_seeds_others() -> None:
    prints = [load_pool(DataConfig("digits", pool_size=100, split_seed=seed)).fingerprint() for seed in (0, 0, 1)]
    assert prints[0] == prints[1] != prints[2]
