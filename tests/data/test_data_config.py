from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ladle.data import DATASETS, OPTIONS, DataConfig
from ladle.errors import ConfigError, UnknownNameError


def test_every_data_set_of_the_catalog_has_its_options() -> None:
    assert set(OPTIONS) == set(DATASETS)
    assert all(entry.name == name for name, entry in DATASETS.items())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "table"}, r"data set 'table' needs path \(got path=None\); say path='...'"),
        ({"name": "table", "path": ""}, r"data set 'table' needs path \(got path=''\)"),
        ({"name": "table", "path": "a.csv"}, r"data set 'table' needs target \(got target=None\)"),
        ({"name": "image-folder"}, r"data set 'image-folder' needs path"),
        (
            {"name": "digits", "path": "a"},
            r"path is for 'table' and 'image-folder' only \(got path='a' with 'digits'\)",
        ),
        ({"name": "image-folder", "path": "a", "target": "y"}, r"target is for 'table' only .*; omit target"),
        ({"name": "20newsgroups", "image_size": 8}, r"'20newsgroups' has no images \(got image_size=8\); omit"),
        ({"name": "mnist", "test": 0.3}, r"'mnist' has an official test split \(got test=0.3\); omit test"),
        ({"name": "digits", "pool_size": 0}, r"pool_size is a whole number from 1 up \(got pool_size=0\)"),
        ({"name": "digits", "pool_size": 2.0}, r"pool_size is a whole number from 1 up \(got pool_size=2.0\)"),
        ({"name": "digits", "image_size": True}, r"image_size is a whole number from 1 up \(got image_size=True\)"),
        ({"name": "digits", "split_seed": -1}, r"split_seed is a whole number from 0 up \(got split_seed=-1\)"),
        ({"name": "digits", "validation": 0.0}, r"validation is a fraction strictly between 0 and 1 \(got .*0.0\)"),
        ({"name": "digits", "test": 1}, r"test is a fraction strictly between 0 and 1 \(got test=1\); use 0.1, say"),
        ({"name": "digits", "validation": float("nan")}, r"validation is a fraction .*nan"),
        ({"name": "digits", "test": "a fifth"}, r"test is a fraction .*'a fifth'"),
    ],
)
def test_a_slip_is_named_with_what_came_and_the_remedy(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DataConfig(**options)


def test_an_unknown_name_suggests_the_one_meant() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown data set \(got 'cifar-10'\); did you mean 'cifar10'\?"):
        DataConfig("cifar-10")


def test_the_defaults_are_taken_by_every_data_set() -> None:
    for name, options in OPTIONS.items():
        config = DataConfig(name, path="a" if options.path else None, target="y" if options.target else None)
        assert (config.validation, config.test, config.pool_size, config.split_seed) == (0.1, 0.2, None, 0)


@given(st.floats(min_value=0, max_value=1, exclude_min=True, exclude_max=True))
def test_any_fraction_between_is_taken(fraction: float) -> None:
    assert DataConfig("digits", validation=fraction, test=fraction).test == fraction
