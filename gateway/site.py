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
        sources["/index.html"] = page.replace(_PRELOADS.encode(), _preloads(sources, modules).encode())
        if "/worker.js" in sources:
            sources["/worker.js"] = _worker(sources)
        self._files = {path: _file(path, body) for path, body in sources.items()}
        self._headers = {"Content-Security-Policy": _policy(imports), "Cache-Control": "no-cache"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a file of the site, or pass the request on."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._behind(scope, receive, send)
            return
        path = "/index.html" if scope["path"] == "/" else scope["path"]
        file = self._files.get(path)
        if file is None:
            await self._behind(scope, receive, send)
            return
        await self._answer(file, Headers(scope=scope))(scope, receive, send)

    def _answer(self, file: _File, asked: Mapping[str, str]) -> Response:
        headers = {**self._headers, **SITE_HEADERS, "ETag": file.tag, "Vary": "Accept-Encoding"}
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


SITE_HEADERS: Mapping[str, str] = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), publickey-credentials-get=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Sent with every file of a site."""


def _policy(imports: str) -> str:
    """Only this origin's own files, no inline script but the import map, by its digest."""
    digest = base64.b64encode(hashlib.sha256(imports.encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'sha256-{digest}'",
            "style-src 'self'",
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


def _preloads(sources: Mapping[str, bytes], modules: Mapping[str, str]) -> str:
    """Links that bring every module of the first view at once: a browser that finds them one in the other
    waits for the network at each step."""
    found: dict[str, None] = {}
    waiting = ["/app.js"]
    while waiting:
        path = waiting.pop(0)
        if path in found or path not in sources:
            continue
        found[path] = None
        for name in _STATIC_IMPORT.findall(sources[path].decode()):
            beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
            waiting.append(modules.get(name, beside))
    return "".join(f'<link rel="modulepreload" href="{path}" />' for path in found)


def _worker(sources: Mapping[str, bytes]) -> bytes:
    """The service worker with the files that it keeps, and a name that changes when one of them does.

    Licences are served, but no phone needs them to open the wallet.
    """
    kept = sorted(
        path for path in sources if path != "/worker.js" and not path.startswith("/vendor/licences/")
    )
    digest = hashlib.sha256(b"".join(sources[path] for path in kept)).hexdigest()[:16]
    names = json.dumps(["/", *(path for path in kept if path != "/index.html")])
    text = sources["/worker.js"].decode().replace("VERSION", digest).replace('["FILES"]', names)
    return text.encode()


def _file(path: str, body: bytes) -> _File:
    suffix = Path(path).suffix
    kind = _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    compressed = gzip.compress(body, 9, mtime=0) if suffix in _COMPRESSED else None
    return _File(body, compressed, kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
