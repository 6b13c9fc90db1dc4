"""What stands between the network and the page: who may come in, what a page may load, how much may be sent."""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ladle.page.limits import Limits
from ladle.page.rates import TokenBuckets, network_of

_COOKIE, _ACCESS_COOKIE, _FORM_HEADER = "ladle_annotator", "ladle_access", "x-ladle-form"
_A_YEAR = 365 * 24 * 3600
_HEX = frozenset("0123456789abcdef")
# Longer numbers than any body has.
_DIGITS = 15
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
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Checks every request before the page sees it, and puts the headers on every answer, errors too.

    Args:
        app: the page.
        hosts: names under which the page may be asked for, so that a foreign page cannot reach it through a name of its
            own; empty where a token protects it.
        token: what a browser has to bring once, in the query; None lets everybody in who reaches the address.
        limits: how much a client may ask.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str], token: str | None, limits: Limits) -> None:
        self._app = app
        self._hosts = hosts
        self._token = token
        self._limits = limits
        self._secret = secrets.token_bytes(32)
        self._people = TokenBuckets(limits.person_rate, limits.person_burst)
        self._strangers = TokenBuckets(limits.stranger_rate, limits.stranger_burst)
        self._addresses = TokenBuckets(limits.address_rate, limits.address_burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or say why not."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"the page speaks HTTP alone (got {scope['type']})")
        request = Request(scope)
        known, signed = self._known(request)
        annotator = known or secrets.token_hex(16)
        request.state.annotator, request.state.known = annotator, signed
        request.state.form_token = self._sign("form", annotator)
        refused = (
            self._too_fast(request, annotator if signed else None)
            or self._other_method(request)
            or self._foreign_host(request)
            or self._foreign_page(request)
            or self._without_token(request)
            or self._too_large(request)
            or self._without_form_token(request, known)
        )

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                if refused is None:
                    self._set_cookies(headers, annotator)
            await send(message)

        await (refused or self._app)(scope, receive, send_safely)

    def _known(self, request: Request) -> tuple[str, bool]:
        """Return who a browser says it is, empty if nobody, and whether this process has told it so."""
        annotator, _, signature = request.cookies.get(_COOKIE, "").partition(".")
        if len(annotator) != 32 or not _HEX.issuperset(annotator):
            return "", False
        return annotator, _same(signature, self._sign("cookie", annotator))

    def _too_fast(self, request: Request, person: str | None) -> Response | None:
        # People by their browser, so that many of them behind one address don't hinder each other, nor does a flood
        # from there. Only who has a name from this process counts as one: names that anybody can make up do not help.
        address = network_of(request.client.host if request.client else "")
        if person is None:
            return _slow_down(self._limits.stranger_rate, self._strangers.take(address))
        return _slow_down(self._limits.person_rate, self._people.take(person)) or self._too_fast_together(address)

    def _too_fast_together(self, address: str) -> Response | None:
        # Whoever opens the page gets a name, and may come back for another: those of an address share a limit.
        return _slow_down(self._limits.address_rate, self._addresses.take(address))

    def _other_method(self, request: Request) -> Response | None:
        if request.method in ("GET", "POST"):
            return None
        return _refuse(405, "the page is read and answered, nothing else", {"Allow": "GET, POST"})

    def _foreign_host(self, request: Request) -> Response | None:
        host = request.headers.get("host", "")
        name = host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
        if not self._hosts or name in self._hosts:
            return None
        return _refuse(400, f"the page is asked for by the address it was started with (got {name[:80]!r})")

    def _foreign_page(self, request: Request) -> Response | None:
        # A browser says here which page a request is of. A link elsewhere may lead to this page, and that is all.
        headers = request.headers
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            opened = (request.method, request.url.path) == ("GET", "/")
            if not (opened and headers.get("sec-fetch-dest") == "document"):
                return _refuse(403, "the page is asked by itself alone (got a request of another page)")
        origin, host = headers.get("origin"), headers.get("host", "")
        if origin is None or origin in (f"http://{host}", f"https://{host}"):
            return None
        return _refuse(403, f"the page is asked by itself alone (got a request of {origin[:80]!r})")

    def _without_token(self, request: Request) -> Response | None:
        given = request.query_params.get("token") or request.cookies.get(_ACCESS_COOKIE, "")
        if self._token is None or _same(given, self._token):
            return None
        return _refuse(401, "this page needs its token; open the whole address that ladle label printed")

    def _too_large(self, request: Request) -> Response | None:
        # One that comes in pieces has no length, whatever it says beside: the pieces count, and have no end.
        length = request.headers.get("content-length", "" if request.method == "POST" else "0")
        if "transfer-encoding" in request.headers or not (length.isascii() and length.isdigit()):
            return _refuse(411, "an answer says how long it is", _CLOSE)
        if len(length) > _DIGITS or int(length) > self._limits.body_bytes:
            return _refuse(413, f"an answer has at most {self._limits.body_bytes} bytes (got {length[:20]})", _CLOSE)
        return None

    def _without_form_token(self, request: Request, known: str) -> Response | None:
        given = request.headers.get(_FORM_HEADER, "")
        if request.method == "GET" or (known and _same(given, request.state.form_token)):
            return None
        return _refuse(403, "an answer comes from a page of this server (got a form token of none); reload")

    def _set_cookies(self, headers: MutableHeaders, annotator: str) -> None:
        cookies = Response()
        values = {_COOKIE: f"{annotator}.{self._sign('cookie', annotator)}"}
        if self._token is not None:
            values[_ACCESS_COOKIE] = self._token
        for name, value in values.items():
            # Lax, so that who follows a link to the page is still who they were; what a foreign page may do with it is
            # open this one. Not "secure": a page on this machine has no certificate.
            cookies.set_cookie(name, value, max_age=_A_YEAR, httponly=True, samesite="lax")
        for cookie in cookies.headers.getlist("set-cookie"):
            headers.append("set-cookie", cookie)

    def _sign(self, purpose: str, annotator: str) -> str:
        return hmac.new(self._secret, f"{purpose} {annotator}".encode(), hashlib.sha256).hexdigest()


# What is still on its way is not read.
_CLOSE = {"Connection": "close"}


def _refuse(code: int, reason: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(reason + "\n", status_code=code, headers=headers)


def _slow_down(rate: float, wait: float) -> Response | None:
    if not wait:
        return None
    seconds = str(math.ceil(wait))
    return _refuse(
        429,
        f"a page is asked at the speed of people (got more than {rate:g} requests a second); wait {seconds} s",
        {"Retry-After": seconds},
    )


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
