"""Other tools as Ladle sees them: features, outputs and residuals of a fitted estimator; Label Studio in the loop."""

from ladle.adapters.outputs import EstimatorOutputs
from ladle.adapters.scikit_learn import estimator_outputs

__all__ = ["EstimatorOutputs", "estimator_outputs"]
