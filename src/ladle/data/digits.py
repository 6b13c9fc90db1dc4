"""scikit-learn's bundled handwritten digits: real images that need no download."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import interpolate

from ladle.data.config import DataConfig
from ladle.data.pool import Pool
from ladle.data.splits import split_whole


def load_digits_pool(config: DataConfig) -> Pool:
    """Load 1,797 grey digits of 8 × 8 pixels, ten classes, split 80/20 with every class in proportion.

    Pixels from 0 to 16 are scaled to [0, 1] and normalised with mean and deviation 0.5. Another ``image_size`` enlarges
    them bilinearly, for models that need larger inputs.

    Raises:
        ConfigError: a pool larger than the rows left.

    Reference: Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits; this is its test part.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    labels = np.asarray(digits.target, dtype=np.int64)
    images = torch.from_numpy(np.asarray(digits.images, dtype=np.float32)).unsqueeze(1)
    images = images.div(16.0).sub(0.5).div(0.5)
    if config.image_size is not None:
        size = (config.image_size, config.image_size)
        images = interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)
    split = split_whole(
        labels, test=config.test, validation=config.validation, pool_size=config.pool_size, seed=config.split_seed
    )
    targets = torch.from_numpy(labels)
    return Pool(
        name=config.name,
        modality="image",
        inputs=images[split.pool],
        labels=targets[split.pool],
        validation_inputs=images[split.validation],
        validation_labels=targets[split.validation],
        test_inputs=images[split.test],
        test_labels=targets[split.test],
        classes=tuple(str(name) for name in digits.target_names),
    )
