"""The labeling page: a small web server over a ``labeling.Desk``. It translates and decides nothing."""

from ladle.page.app import create_app
from ladle.page.server import serve

__all__ = ["create_app", "serve"]
