"""Selectors: a score or an embedding in, distinct unlabeled pool indices in pick order out."""

from ladle.selectors.anchored import AnchoredEmbedding
from ladle.selectors.apart_in_angle import apart_in_angle
from ladle.selectors.budget import unlabeled_indices
from ladle.selectors.dense import DenseEmbedding, as_embedding
from ladle.selectors.farthest_first import farthest_first
from ladle.selectors.greedy_volume import greedy_volume
from ladle.selectors.k_means_plus_plus import k_means_plus_plus
from ladle.selectors.passes import CHUNK_ROWS, LocalPasses, Passes, Rows
from ladle.selectors.top import top
from ladle.selectors.uniform import uniform

__all__ = [
    "CHUNK_ROWS",
    "AnchoredEmbedding",
    "DenseEmbedding",
    "LocalPasses",
    "Passes",
    "Rows",
    "apart_in_angle",
    "as_embedding",
    "farthest_first",
    "greedy_volume",
    "k_means_plus_plus",
    "top",
    "uniform",
    "unlabeled_indices",
]
