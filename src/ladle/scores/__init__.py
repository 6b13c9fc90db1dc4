"""Scores: tensors in, one number an example out. Higher always means "ask first"."""

from ladle.scores.discrepancy import discrepancy, discrepancy_with_head
from ladle.scores.expected_gradient_length import expected_gradient_length
from ladle.scores.uncertainty import entropy, least_confidence, margin

__all__ = ["discrepancy", "discrepancy_with_head", "entropy", "expected_gradient_length", "least_confidence", "margin"]
