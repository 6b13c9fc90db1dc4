"""Small web servers that translate and decide nothing: the labeling page, and the ML backend for Label Studio."""

from ladle.page.app import create_app
from ladle.page.limits import Limits
from ladle.page.ml_backend import create_ml_backend, open_ml_backend, serve_ml_backend
from ladle.page.server import Listener, listen, serve

__all__ = [
    "Limits",
    "Listener",
    "create_app",
    "create_ml_backend",
    "listen",
    "open_ml_backend",
    "serve",
    "serve_ml_backend",
]
