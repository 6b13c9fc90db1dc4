"""The labeling page: a small web server over a ``labeling.Desk``. It translates and decides nothing."""

from ladle.page.app import create_app
from ladle.page.limits import Limits
from ladle.page.server import Listener, listen, serve

__all__ = ["Limits", "Listener", "create_app", "listen", "serve"]
