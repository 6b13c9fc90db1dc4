"""What stands between the network and the page: who may come in, what a page may load, how much may be sent."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse

#: Bytes that a request may carry; an answer needs a hundred.
LARGEST_BODY = 1 << 16
_COOKIE, _ACCESS_COOKIE, _FORM_HEADER = "ladle_annotator", "ladle_access", "x-ladle-form"
_A_YEAR = 365 * 24 * 3600
# Nothing but the page's own files; nothing inline.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

Next = Callable[[Request], Awaitable[Response]]


class Guard:
    """Checks every request before the page sees it.

    Args:
        hosts: names under which the page may be asked for, so that a foreign page cannot reach it through a name of its
            own; empty where a token protects it.
        token: what a browser has to bring once, in the query; None lets everybody in who reaches the address.
    """

    def __init__(self, hosts: frozenset[str], token: str | None) -> None:
        self._hosts = hosts
        self._token = token
        self._secret = secrets.token_bytes(32)

    async def __call__(self, request: Request, call_next: Next) -> Response:
        """Let a request through, or say why not."""
        refused = self._refusal(request)
        if refused is not None:
            refused.headers.update(_HEADERS)
            return refused
        known = request.cookies.get(_COOKIE, "")
        annotator = known if len(known) == 32 and known.isalnum() else secrets.token_hex(16)
        request.state.annotator = annotator
        request.state.form_token = self._form_token(annotator)
        if request.method != "GET":
            given = request.headers.get(_FORM_HEADER, "")
            if annotator != known or not hmac.compare_digest(given.encode(), request.state.form_token.encode()):
                return self._refuse(
                    403, "an answer comes from a page of this server (got a form token of none); reload"
                )
        response = await call_next(request)
        response.headers.update(_HEADERS)
        # Not "secure": a page on this machine has no certificate.
        response.set_cookie(_COOKIE, annotator, max_age=_A_YEAR, httponly=True, samesite="strict")
        if self._token is not None:
            response.set_cookie(_ACCESS_COOKIE, self._token, max_age=_A_YEAR, httponly=True, samesite="strict")
        return response

    def _refusal(self, request: Request) -> Response | None:
        host = request.headers.get("host", "").rsplit(":", 1)[0].strip("[]")
        if self._hosts and host not in self._hosts:
            return self._refuse(400, f"the page is asked for by the address it was started with (got {host[:80]!r})")
        if self._token is not None:
            given = request.query_params.get("token") or request.cookies.get(_ACCESS_COOKIE, "")
            if not hmac.compare_digest(given.encode(), self._token.encode()):
                return self._refuse(401, "this page needs its token; open the whole address that ladle label printed")
        if request.method not in ("GET", "POST"):
            return self._refuse(405, "the page is read and answered, nothing else")
        if request.method == "POST":
            length = request.headers.get("content-length", "")
            if not length.isdigit():
                return self._refuse(411, "an answer says how long it is")
            if int(length) > LARGEST_BODY:
                return self._refuse(413, f"an answer has at most {LARGEST_BODY} bytes (got {length[:20]})")
        return None

    def _refuse(self, code: int, reason: str) -> Response:
        return PlainTextResponse(reason + "\n", status_code=code, headers=dict(_HEADERS))

    def _form_token(self, annotator: str) -> str:
        return hmac.new(self._secret, annotator.encode(), hashlib.sha256).hexdigest()
