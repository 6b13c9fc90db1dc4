"""20 Newsgroups as TF-IDF rows, kept sparse."""

from __future__ import annotations

import io
import os
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
import torch

from ladle.data.config import DataConfig
from ladle.data.home import place_in_home
from ladle.data.pool import Pool
from ladle.data.splits import split_training
from ladle.errors import DataError

_FOLDER, _ARCHIVE = "sklearn", "20news-bydate_py3.pkz"


def load_newsgroups_pool(config: DataConfig, data_home: Path | None = None) -> Pool:
    """Load 11,314 training and 7,532 test posts of 20 groups, by the official split by date.

    Headers, footers and quoted text are removed, English stop words left out. The TF-IDF vocabulary and weights are
    fitted on the whole official training split, with the validation rows and whatever subsampling leaves out: they see
    words, never labels, and never the test split. Posts that are empty after the removal stay, as rows of zeros.

    Args:
        config: of the data set ``20newsgroups``.
        data_home: a folder with ``sklearn/20news-bydate_py3.pkz``, as scikit-learn itself stores it; without that file,
            scikit-learn's own folder is used and filled on first use.

    Raises:
        DataError: neither at hand nor to be downloaded, or damaged.
        ConfigError: a pool larger than the rows left.

    Cost: about six seconds, most of them tokenising.
    Reference: Lang (1995); the paper, section 4.3.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    mirror = newsgroups_mirror(data_home)
    train, test = _fetch("train", mirror, data_home), _fetch("test", mirror, data_home)
    labels = np.asarray(train.target, dtype=np.int64)
    pool, validation = split_training(
        labels, validation=config.validation, pool_size=config.pool_size, seed=config.split_seed
    )
    vectorizer = TfidfVectorizer(stop_words="english", dtype=np.float32)
    source = scipy.sparse.csr_matrix(vectorizer.fit_transform(train.data))
    targets = torch.from_numpy(labels)
    return Pool(
        name=config.name,
        modality="text",
        inputs=source[pool],
        labels=targets[pool],
        validation_inputs=source[validation],
        validation_labels=targets[validation],
        test_inputs=scipy.sparse.csr_matrix(vectorizer.transform(test.data)),
        test_labels=torch.from_numpy(np.asarray(test.target, dtype=np.int64)),
        classes=tuple(train.target_names),
    )


def newsgroups_mirror(data_home: Path | None) -> Path | None:
    """Return the data home's folder for scikit-learn, or None where it does not hold the posts."""
    if data_home is not None and (data_home / _FOLDER / _ARCHIVE).is_file():
        return data_home / _FOLDER
    return None


def newsgroups_at_hand(data_home: Path | None) -> bool:
    """Tell whether loading needs no network: in the data home, or downloaded by scikit-learn before."""
    own = Path(os.environ.get("SCIKIT_LEARN_DATA") or "~/scikit_learn_data").expanduser()
    return newsgroups_mirror(data_home) is not None or (own / _ARCHIVE).is_file()


def _fetch(subset: str, mirror: Path | None, data_home: Path | None) -> Any:
    from sklearn.datasets import fetch_20newsgroups

    try:
        # scikit-learn prints about a damaged file and warns about each retry; the error below says both.
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Retry downloading", category=UserWarning)
            return fetch_20newsgroups(
                data_home=None if mirror is None else str(mirror),
                subset=subset,
                remove=("headers", "footers", "quotes"),
                shuffle=False,
                download_if_missing=mirror is None,
                n_retries=1,
            )
    except (OSError, EOFError) as error:
        if mirror is not None:
            raise DataError(
                f"the stored posts cannot be read (got {mirror / _ARCHIVE}, damaged or written with another NumPy);"
                f" replace it with the {_ARCHIVE} that scikit-learn's fetch_20newsgroups writes, or remove it"
            ) from error
        raise DataError(
            f"20newsgroups is downloaded on first use, and that failed (got {error}); run once with a network, or put"
            f" scikit-learn's {_ARCHIVE} into {place_in_home(data_home, _FOLDER)}"
        ) from error
