"""The pages' server: what it serves, under which policy, and what it leaves to the interface behind."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse

from gateway.site import Site, SiteError

_PAGE = '<script type="importmap"><!-- imports --></script><script type="module" src="/app.js"></script>'


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A folder with one page, something shared and two modules."""
    files = {
        "wallet/index.html": _PAGE,
        "wallet/app.js": "import 'preact';",
        "wallet/worker.js": 'const CACHE = "VERSION"; const FILES = ["FILES"];',
        "shared/theme.css": "a { color: red }",
        "vendor/preact.mjs": "export {};",
        "vendor/licences/preact.txt": "MIT",
        "vendor/.stamp": "x",
        "vendor.json": json.dumps({"preact": "bundle/preact.js", "a.css": "a/a.css"}),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def _client(web: Path) -> httpx.AsyncClient:
    site = Site(web, "wallet", PlainTextResponse("behind"))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=site), base_url="http://site")


async def test_the_policy_allows_the_import_map_by_its_digest_and_no_other_inline_script(web: Path) -> None:
    """The digest in Content-Security-Policy is that of the import map in the page."""
    async with _client(web) as client:
        answer = await client.get("/")
    inline = re.search(r'<script type="importmap">(.*?)</script>', answer.text)
    assert inline is not None
    assert json.loads(inline[1]) == {"imports": {"preact": "/vendor/preact.mjs"}}
    digest = base64.b64encode(hashlib.sha256(inline[1].encode()).digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert f"'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


async def test_the_modules_of_the_first_view_are_asked_for_at_once(web: Path) -> None:
    """Found through every static import, whoever wrote it; what is brought later is left out."""
    (web / "wallet/index.html").write_text("<!-- preloads -->")
    (web / "wallet/app.js").write_text(
        'import { h } from "preact";\nimport {\n  a,\n} from "./pages/a.js";\n'
        'const b = () => import("./pages/b.js");\n'
    )
    (web / "wallet/pages").mkdir()
    (web / "wallet/pages/a.js").write_text('export * as c from "../shared/c.js";\nexport const a = 1;\n')
    (web / "wallet/pages/b.js").write_text("export const b = 2;")
    (web / "shared/c.js").write_text("export default 3;")
    (web / "vendor/preact.mjs").write_text('import{options as n}from"./core.mjs";export{n as o};')
    (web / "vendor/core.mjs").write_text("export{};")
    async with _client(web) as client:
        page = (await client.get("/")).text
    asked = re.findall(r'href="([^"]+)"', page)
    assert sorted(asked) == [
        "/app.js",
        "/pages/a.js",
        "/shared/c.js",
        "/vendor/core.mjs",
        "/vendor/preact.mjs",
    ]


async def test_a_page_brings_its_readers_sentences_and_no_others(web: Path) -> None:
    """By what the browser asks for; who asks for neither language gets English."""
    (web / "wallet/index.html").write_text('<html lang="en"><!-- preloads -->')
    for place in ("wallet", "shared"):
        (web / place / "locales").mkdir()
        for name in ("en", "pt"):
            (web / place / "locales" / f"{name}.js").write_text("export default {};")
    wishes = {
        "": "en",
        "fr": "en",
        "pt-PT,pt;q=0.9,en;q=0.8": "pt",
        "fr,pt;q=0.2,en-GB;q=0.7": "en",
        "en; q=0.1, pt": "pt",
        "en ;q=0.1 , pt ; q=0.2": "pt",
        "PT;Q=1.0": "pt",
        "pt;q=0": "en",
        "pt;q=0.000, fr": "en",
        "en;q=0, *": "pt",
        "*": "en",
        "pt, en": "pt",
    }
    async with _client(web) as client:
        for wish, language in wishes.items():
            answer = await client.get("/", headers={"Accept-Language": wish})
            assert f'<html lang="{language}">' in answer.text
            asked = re.findall(r'href="([^"]*locales[^"]*)"', answer.text)
            assert sorted(asked) == [f"/locales/{language}.js", f"/shared/locales/{language}.js"]
            assert answer.headers["Vary"] == "Accept-Encoding, Accept-Language"


async def test_a_style_sheet_is_in_the_page_and_in_the_policy(web: Path) -> None:
    """What nothing is drawn without is not asked for again, and the policy names it by its digest."""
    (web / "wallet/index.html").write_text('<link rel="stylesheet" href="/shared/theme.css" />')
    async with _client(web) as client:
        answer = await client.get("/")
    assert answer.text == "<style>a { color: red }</style>"
    digest = base64.b64encode(hashlib.sha256(b"a { color: red }").digest()).decode()
    assert f"style-src 'self' 'sha256-{digest}';" in answer.headers["Content-Security-Policy"]


async def test_what_a_browser_can_show_or_run_by_itself_carries_the_policy(web: Path) -> None:
    """The page and the worker do; a module is under the policy of the page that runs it."""
    async with _client(web) as client:
        answers = {path: (await client.get(path)).headers for path in ("/", "/worker.js", "/app.js")}
    carries = {path: "Content-Security-Policy" in headers for path, headers in answers.items()}
    assert carries == {"/": True, "/worker.js": True, "/app.js": False}
    assert all(headers["X-Content-Type-Options"] == "nosniff" for headers in answers.values())


async def test_other_paths_and_methods_go_to_the_interface_behind(web: Path) -> None:
    """What is no file of the site is the REST interface's, and so is every POST."""
    async with _client(web) as client:
        assert (await client.get("/v1/units")).text == "behind"
        assert (await client.post("/app.js")).text == "behind"
        assert (await client.get("/vendor/.stamp")).text == "behind"
        assert (await client.get("/../vendor.json")).text == "behind"


async def test_a_file_that_did_not_change_is_not_sent_again(web: Path) -> None:
    """A matching ETag answers 304 without a body."""
    async with _client(web) as client:
        first = await client.get("/app.js")
        again = await client.get("/app.js", headers={"If-None-Match": first.headers["ETag"]})
    assert first.headers["Content-Type"].startswith("text/javascript")
    assert first.headers["Content-Encoding"] == "gzip"
    assert (again.status_code, again.content) == (304, b"")


async def test_the_worker_keeps_every_file_and_is_renamed_when_one_changes(web: Path) -> None:
    """A changed file makes another cache name, so an old page does not stay for ever. Licences are served and
    no phone keeps them."""
    async with _client(web) as client:
        before = (await client.get("/worker.js")).text
        assert (await client.get("/vendor/licences/preact.txt")).text == "MIT"
    (web / "shared/theme.css").write_text("a { color: blue }")
    async with _client(web) as client:
        after = (await client.get("/worker.js")).text
    assert '["/", "/app.js", "/shared/theme.css", "/vendor/preact.mjs"]' in before
    assert before != after


def test_a_folder_without_pages_or_modules_says_what_to_do(web: Path, tmp_path: Path) -> None:
    """The sentence names the folder, or the command that fetches the modules."""
    with pytest.raises(SiteError, match="console"):
        Site(web, "console", PlainTextResponse(""))
    (web / "vendor/preact.mjs").rename(web / "vendor/older.mjs")
    with pytest.raises(SiteError, match=r"vendor/preact.mjs is missing: run make setup"):
        Site(web, "wallet", PlainTextResponse(""))
    (web / "vendor").rename(tmp_path / "elsewhere")
    with pytest.raises(SiteError, match="make setup"):
        Site(web, "wallet", PlainTextResponse(""))
