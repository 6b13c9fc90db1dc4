"""Active learning in scikit-learn's manners: ``ActiveLearner(estimator, strategy=…)``, ``query``, ``teach``."""

from ladle.adapters.active_learner import ActiveLearner

__all__ = ["ActiveLearner"]
