"""Data sets: from a name or a user's file to a `Pool` with its validation and test splits.

Every loader is one small file; `catalog` names them all. Splits follow the paper's section 4.3 and hang on the split
seed alone. Packages that only one loader needs are imported when it runs, so that importing this room costs little more
than torch.
"""

from __future__ import annotations

from ladle.data.catalog import (
    DATASETS,
    Availability,
    DatasetEntry,
    DatasetStatus,
    dataset_status,
    load_pool,
)
from ladle.data.config import OPTIONS, DataConfig, Options
from ladle.data.fingerprint import digest_of, fingerprint_of
from ladle.data.home import DATA_HOME_VARIABLE, resolve_data_home
from ladle.data.image_folder import SUFFIXES as IMAGE_SUFFIXES
from ladle.data.images import read_image, stack_images
from ladle.data.memory_map import open_pool, save_pool
from ladle.data.pool import Modality, Pool
from ladle.data.shard_writing import write_shards
from ladle.data.shards import ShardedMatrix, check_rows, open_shards, scratch_bytes
from ladle.data.splits import Split, split_training, split_whole
from ladle.data.table import read_table
from ladle.data.table_features import TableEncoding, fit_encoding

__all__ = [
    "DATASETS",
    "DATA_HOME_VARIABLE",
    "IMAGE_SUFFIXES",
    "OPTIONS",
    "Availability",
    "DataConfig",
    "DatasetEntry",
    "DatasetStatus",
    "Modality",
    "Options",
    "Pool",
    "ShardedMatrix",
    "Split",
    "TableEncoding",
    "check_rows",
    "dataset_status",
    "digest_of",
    "fingerprint_of",
    "fit_encoding",
    "load_pool",
    "open_pool",
    "open_shards",
    "read_image",
    "read_table",
    "resolve_data_home",
    "save_pool",
    "scratch_bytes",
    "split_training",
    "split_whole",
    "stack_images",
    "write_shards",
]
