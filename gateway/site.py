"""The browser's pages, as static files in front of the REST interface: one origin for each of them.

The wallet and the console are served by two ports, so that a flaw in the one cannot reach what the other
keeps. A site is a folder of pages beside `shared/` and `vendor/`; it is read once, at start, compressed, and
served from memory. Everything else goes on to the application behind.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import mimetypes
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_IMPORTS = "<!-- imports -->"
_PRELOADS = "<!-- preloads -->"
_STATIC_IMPORT = re.compile(r"""(?:^|[;}\s])(?:import|export)(?:[\w\s{},*$]*?from)?\s*["']([^"'\n]+)["']""")
"""A static import or re-export, as people and minifiers write it, and no `import(…)`."""
_STYLE_SHEET = re.compile(rb'<link rel="stylesheet" href="([^"]+)" />')
_WEIGHT = re.compile(r"q=([01](?:\.\d{0,3})?)")
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".webmanifest": "application/manifest+json"}
_COMPRESSED = {".js", ".mjs", ".css", ".html", ".svg", ".webmanifest"}


class SiteError(Exception):
    """The folder does not hold a site; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    compressed: bytes | None
    type: str
    tag: str
    acts: bool
    """Whether a browser can show it, or run it by itself."""


class Site:
    """ASGI application: the pages of `web/<name>`, and `behind` for every other path."""

    def __init__(self, web: Path, name: str, behind: ASGIApp) -> None:
        """Read the site. Raises SiteError where `web` has no such pages, or its modules were not fetched."""
        if not (web / name / "index.html").is_file():
            raise SiteError(f"{web} holds no pages {name}; name the folder client/web in the settings")
        if not (web / "vendor").is_dir():
            raise SiteError(
                f"{web / 'vendor'} is missing: run make setup, which fetches the browser's modules"
            )
        self._behind = behind
        sources = _read(web, name)
        modules = _imports(web)
        if missing := sorted(set(modules.values()) - sources.keys()):
            raise SiteError(f"{web}{missing[0]} is missing: run make setup, which fetches the modules anew")
        imports = json.dumps({"imports": modules}, separators=(",", ":"))
        page = sources["/index.html"].replace(_IMPORTS.encode(), imports.encode())
        page, styles = _styled(page, sources)
        sources["/index.html"] = page
        if _WORKER in sources:
            sources[_WORKER] = _worker(sources)
        self._files = {path: _file(path, body) for path, body in sources.items()}
        self._pages = {
            language: _file("/index.html", _spoken(page, language, sources, modules))
            for language in _languages(sources)
        }
        self._policy = {"Content-Security-Policy": _policy(imports, styles)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a file of the site, or pass the request on."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._behind(scope, receive, send)
            return
        path = "/index.html" if scope["path"] == "/" else scope["path"]
        asked = Headers(scope=scope)
        if path == "/index.html":
            file = self._pages[_wished(asked.get("accept-language", ""), list(self._pages))]
        elif path in self._files:
            file = self._files[path]
        else:
            await self._behind(scope, receive, send)
            return
        await self._answer(file, asked)(scope, receive, send)

    def _answer(self, file: _File, asked: Mapping[str, str]) -> Response:
        headers = {**_FILE_HEADERS, "ETag": file.tag, "Vary": "Accept-Encoding"}
        if file.acts:
            headers |= {**self._policy, **SITE_HEADERS}
        if file.type == "text/html":
            headers["Vary"] = "Accept-Encoding, Accept-Language"
        if asked.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        body = file.body
        if file.compressed is not None and "gzip" in asked.get("accept-encoding", ""):
            body = file.compressed
            headers["Content-Encoding"] = "gzip"
        return Response(body, media_type=file.type, headers=headers)


class Cookieless:
    """ASGI middleware: drops cookies. Browsers share them between the ports of one host, and the wallet's
    origin must not speak for an account that is logged in at the console."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on without its cookies."""
        if scope["type"] == "http":
            scope = {**scope, "headers": [each for each in scope["headers"] if each[0] != b"cookie"]}
        await self._app(scope, receive, send)


_FILE_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-cache",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Sent with every file of a site."""
SITE_HEADERS: Mapping[str, str] = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), publickey-credentials-get=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
"""Sent, with the policy, with all that a browser can show or run by itself. Modules and style sheets are what
the page makes of them, and a first view has a dozen: there these headers would weigh as much as the code."""
_PARTS = frozenset({"text/javascript", "text/css"})
"""What only a page makes something of. A worker is the exception: its own policy comes with it."""
_WORKER = "/worker.js"


def _policy(imports: str, styles: list[bytes]) -> str:
    """Only this origin's own files; inline the import map and the page's own style, each by its digest."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {_digest(imports.encode())}",
            " ".join(("style-src 'self'", *map(_digest, styles))),
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "manifest-src 'self'",
            "worker-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types condocharge",
        )
    )


def _digest(inline: bytes) -> str:
    """A hash source (CSP Level 3, section 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline).digest()).decode()}'"


def _read(web: Path, name: str) -> dict[str, bytes]:
    places = {"": web / name, "/shared": web / "shared", "/vendor": web / "vendor"}
    return {
        f"{prefix}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for prefix, folder in places.items()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def _imports(web: Path) -> dict[str, str]:
    """The import map: what each module is called, and where it lies."""
    modules: dict[str, str] = json.loads((web / "vendor.json").read_text())
    return {
        specifier: f"/vendor/{_vendored(specifier, source)}"
        for specifier, source in modules.items()
        if not source.endswith(".css")
    }


def _vendored(specifier: str, source: str) -> str:
    """Where `make setup` put a module: under its own name, or in the bundle that it is a part of."""
    if source.startswith("bundle/"):
        return f"{Path(source).stem}.mjs"
    return specifier.removeprefix("@") + ("" if specifier.endswith(".js") else Path(source).suffix)


def _styled(page: bytes, sources: Mapping[str, bytes]) -> tuple[bytes, list[bytes]]:
    """The page with its style sheets in it, and what these are: nothing is drawn before they are there, and a
    phone on a slow network has waited for the page already."""
    styles = [sources[path.decode()] for path in _STYLE_SHEET.findall(page) if path.decode() in sources]

    def within(link: re.Match[bytes]) -> bytes:
        style = sources.get(link[1].decode())
        return link[0] if style is None else b"<style>%s</style>" % style

    return _STYLE_SHEET.sub(within, page), styles


def _languages(sources: Mapping[str, bytes]) -> list[str]:
    """The languages of the site's own sentences, English first: for readers whose own is not among them."""
    own = {Path(path).stem for path in sources if path.startswith("/locales/")}
    return ["en", *sorted(own - {"en"})]


def _wished(accepted: str, languages: list[str]) -> str:
    """Which of `languages` a browser asks for first (RFC 9110, sections 12.4.2 and 12.5.4), or the first
    there is where it accepts none. Weight 0 is not accepted; `*` is every language that is not named."""
    weights: dict[str, float] = {}
    for each in accepted.split(","):
        tag, _, quality = (part.strip().lower() for part in each.partition(";"))
        weight = _WEIGHT.fullmatch(quality)
        name = tag.partition("-")[0]
        weights[name] = max(float(weight[1]) if weight else 1.0, weights.get(name, 0.0))
    others = weights.pop("*", 0.0)
    wished = [name for name in weights if name in languages] + [
        name for name in languages if name not in weights
    ]
    first = max(wished, key=lambda name: weights.get(name, others))
    return first if weights.get(first, others) else languages[0]


def _spoken(page: bytes, language: str, sources: Mapping[str, bytes], modules: Mapping[str, str]) -> bytes:
    """The page for readers of a language."""
    preloads = _preloads(sources, modules, language).encode()
    return page.replace(_PRELOADS.encode(), preloads).replace(
        b'<html lang="en">', b'<html lang="%s">' % language.encode()
    )


def _preloads(sources: Mapping[str, bytes], modules: Mapping[str, str], language: str) -> str:
    """Links that bring every module of the first view at once, the largest first: a browser that finds them
    one in the other waits for the network at each step, and it asks a host for six files at a time."""
    found: set[str] = set()
    waiting = ["/app.js", f"/locales/{language}.js", f"/shared/locales/{language}.js"]
    while waiting:
        path = waiting.pop()
        if path in found or path not in sources:
            continue
        found.add(path)
        for name in _STATIC_IMPORT.findall(sources[path].decode()):
            beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
            waiting.append(modules.get(name, beside))
    ordered = sorted(found, key=lambda path: (-len(gzip.compress(sources[path])), path))
    return "".join(f'<link rel="modulepreload" href="{path}" />' for path in ordered)


def _worker(sources: Mapping[str, bytes]) -> bytes:
    """The service worker with the files that it keeps, and a name that changes when one of them does.

    Licences are served, but no phone needs them to open the wallet.
    """
    kept = sorted(path for path in sources if path != _WORKER and not path.startswith("/vendor/licences/"))
    digest = hashlib.sha256(b"".join(sources[path] for path in kept)).hexdigest()[:16]
    names = json.dumps(["/", *(path for path in kept if path != "/index.html")])
    text = sources[_WORKER].decode().replace("VERSION", digest).replace('["FILES"]', names)
    return text.encode()


def _file(path: str, body: bytes) -> _File:
    suffix = Path(path).suffix
    kind = _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    compressed = gzip.compress(body, 9, mtime=0) if suffix in _COMPRESSED else None
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return _File(body, compressed, kind, tag, acts=path == _WORKER or kind not in _PARTS)
