"""What each address of the dashboard's server answers."""

import hashlib
import hmac
import logging
import re
from contextlib import aclosing
from typing import Any

import brotli
from jupyter_server.auth import IdentityProvider, User
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler

from scarlib.assets import CODINGS

log = logging.getLogger(__name__)

_COOKIE = "scarlib-visit"
_TEMPLATES = {404: "404.html", 503: "busy.html"}


def coding(handler: RequestHandler) -> str:
    """How the answer to a request may be packed: the best of CODINGS, or "" for none of them."""
    accepted = handler.request.headers.get("Accept-Encoding", "")
    refused = r"(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))"
    return next((name for name in CODINGS if re.search(rf"\b{name}\b{refused}", accepted)), "")


class Reply(RequestHandler):
    """Headers, error pages and log lines that are the same for every address."""

    def set_default_headers(self) -> None:
        """Nothing is kept by a browser unless its handler says so."""
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-store")
        for name, value in self.settings["headers"].items():
            self.set_header(name, value)

    def write_error(self, status_code: int, **_: Any) -> None:
        """One page a kind of error, none with its cause."""
        if status_code == 503:
            self.set_header("Retry-After", "60")
        self.show(_TEMPLATES.get(status_code, "error.html"))

    def show(self, template: str, **words: Any) -> None:
        """Answer with a page of the template's folder."""
        page = self.settings["voila_jinja2_env"].get_template(template)
        self.finish(page.render(base_url="/", **words))

    def _request_summary(self) -> str:
        # An address may hold a token or a kernel's id, which are not for a log.
        return f"{self.request.method} {type(self).__name__}"

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """The cause of a failure goes into the log; a refusal, or a browser that has gone, does not."""
        if not isinstance(value, HTTPError | StreamClosedError):
            log.error("%s failed", self._request_summary(), exc_info=value)


class Visitors(IdentityProvider):
    """Who is let in: everybody, or with a token whoever has it. Nobody gets a name, or a cookie to know them by."""

    def get_user(self, handler: RequestHandler) -> User | None:
        """A visitor without a name, or None."""
        return User("visitor") if self.admits(handler) else None

    def admits(self, handler: RequestHandler) -> bool:
        """Whether the request may pass."""
        return not self.token or hmac.compare_digest(handler.get_cookie(_COOKIE, "").encode(), self._proof.encode())

    def welcome(self, handler: RequestHandler, token: str) -> bool:
        """Let a browser in from now on if the token is right."""
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            return False
        # Not Strict: with it, a link on the clinic's own site would lead to the question for the token every time.
        secure = handler.request.protocol == "https"
        handler.set_cookie(_COOKIE, self._proof, expires_days=None, httponly=True, samesite="Lax", secure=secure)
        return True

    @property
    def cookie(self) -> str:
        """The header `Cookie` of a browser that has been let in."""
        return f"{_COOKIE}={self._proof}"

    @property
    def _proof(self) -> str:
        # The same in every process that has the token, so that any of them knows the browser again.
        return hmac.new(self.token.encode(), b"scarlib visit", hashlib.sha256).hexdigest()


class Page(Reply):
    """The dashboard. Each one sent comes with a kernel of its own."""

    async def get(self) -> None:
        """Send a page that has run already, or say that there is no place left."""
        if not self.settings["identity_provider"].admits(self) or "token" in self.request.query_arguments:
            self._ask(self.get_query_argument("token", ""))
            return
        sent = self.request.headers
        if sent.get("Sec-Fetch-Dest", "document") != "document" or "prefetch" in sent.get("Sec-Purpose", ""):
            # Somebody's picture, frame or guess at the next click: no reason to start a kernel.
            raise HTTPError(404)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        for address in self.settings["assets"].entries:
            self.add_header("Link", f"<{address}>; rel=preload; as=script; fetchpriority=low")
        packer = None
        if coding(self) == "br":  # gzip is Tornado's own to do
            packer = brotli.Compressor(quality=6)
            self.set_header("Content-Encoding", "br")
        async with aclosing(self.settings["kernel_manager"].page()) as page:
            async for html in page:
                self.write(packer.process(html.encode()) + packer.flush() if packer else html)
                await self.flush()
        if packer:
            self.write(packer.finish())

    def head(self) -> None:
        """Whether the page is there, at the cost of no kernel."""
        self.set_status(200 if self.settings["identity_provider"].admits(self) else 403)

    def post(self) -> None:
        """Take the token from the form."""
        self._ask(self.get_body_argument("token", ""))

    def _ask(self, token: str) -> None:
        visitors: Visitors = self.settings["identity_provider"]
        if visitors.admits(self) or (token and visitors.welcome(self, token)):
            # Without the token, which would else stay in the address.
            self.redirect("/", status=303)
            return
        self.set_status(403)
        self.show("token.html", wrong=bool(token))


class Health(Reply):
    """Whether the server answers and how busy it is, at the cost of no kernel."""

    def get(self) -> None:
        """Say so as JSON."""
        kernels = self.settings["kernel_manager"]
        self.write({"status": "ok", "viewers": len(kernels.viewers), "most_viewers": kernels.most})

    head = get


class OwnKernel(Reply):
    """A request about one kernel, by a page that knows its id. No address lists them."""

    def prepare(self) -> None:
        """Turn away who is not let in, and who guesses."""
        if not self.settings["identity_provider"].admits(self):
            raise HTTPError(403)
        if self.path_kwargs["kernel_id"] not in self.settings["kernel_manager"].viewers:
            raise HTTPError(404)


class Kernel(OwnKernel):
    """What a page asks before it opens its socket."""

    def get(self, kernel_id: str) -> None:
        """Describe the kernel as JSON."""
        self.write(self.settings["kernel_manager"].kernel_model(kernel_id))


class Goodbye(OwnKernel):
    """What a page says when it is left."""

    async def post(self, kernel_id: str) -> None:
        """End its kernel."""
        await self.settings["kernel_manager"].end_page(kernel_id)
        self.set_status(204)


class File(Reply):
    """The scripts, styles and fonts of the page."""

    def get(self) -> None:
        """Send a file, compressed where the browser takes it so."""
        asset = self.settings["assets"].get(self.request.path)
        if asset is None:
            raise HTTPError(404)
        lasts = asset.lasts(self.get_query_argument("v", ""))
        self.set_header("Cache-Control", "public, max-age=31536000, immutable" if lasts else "no-cache")
        self.set_header("Content-Type", asset.kind)
        self.set_header("Etag", asset.etag)
        if self.check_etag_header():
            self.set_status(304)
        else:
            packed = coding(self) if asset.packed else ""
            if packed:
                self.set_header("Content-Encoding", packed)
            self.write(asset.body(packed))

    head = get


class Missing(Reply):
    """Any other address."""

    def prepare(self) -> None:
        """There is nothing."""
        raise HTTPError(404)
