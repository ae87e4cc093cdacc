"""The OpenAPI document as a page that needs no script and nothing from another host."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""The page's Content-Security-Policy: its own style element is all that it may use."""

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { border-bottom: 1px solid; margin-top: 2.5rem; text-transform: capitalize; }
code { font-family: ui-monospace, monospace; }
summary { cursor: pointer; padding: .35rem 0; }
summary b { display: inline-block; min-width: 4.5rem; }
pre { overflow: auto; padding: .75rem; border: 1px solid; }
@media (prefers-color-scheme: dark) { body { background: #111; color: #eee; } a { color: #9cf; } }
"""


def page(schema: dict[str, Any]) -> str:
    """HTML with every operation of the OpenAPI document `schema`, by tag, with its callers and bodies."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(schema["info"]["title"])}</title>'
        f"<style>{_STYLE}</style><h1>{escape(schema['info']['title'])}</h1>"
        f"<p>{escape(schema['info'].get('description', ''))}</p>"
        f'<p>The same for machines: <a href="/openapi.json">/openapi.json</a>.</p>'
        f"{''.join(_sections(schema))}</html>"
    )


def _sections(schema: dict[str, Any]) -> Iterator[str]:
    tags: dict[str, list[str]] = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            entry = _operation(path, method, operation)
            tags.setdefault((operation.get("tags") or ["other"])[0], []).append(entry)
    for tag, entries in tags.items():
        yield f"<h2>{escape(tag)}</h2>{''.join(entries)}"
    yield "<h2>bodies</h2>"
    for name, body in schema.get("components", {}).get("schemas", {}).items():
        title = f"<summary><code>{escape(name)}</code></summary>"
        yield f'<details id="{escape(name)}">{title}{_members(body)}</details>'


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    callers = ", ".join(operation.get("x-callers", []))
    parts = [f"<p>{escape(operation.get('description') or operation.get('summary', ''))}</p>"]
    parts.append(f"<p>Callers: {escape(callers)}.</p>")
    for parameter in operation.get("parameters", []):
        text = f"{parameter['name']} ({parameter['in']}): {_type(parameter.get('schema', {}))}"
        parts.append(f"<p><code>{escape(text)}</code></p>")
    for content in operation.get("requestBody", {}).get("content", {}).values():
        parts.append(f"<p>Body: {_reference(content.get('schema', {}))}</p>")
    for status, response in operation.get("responses", {}).items():
        bodies = [_reference(content.get("schema", {})) for content in response.get("content", {}).values()]
        parts.append(f"<p>{escape(status)}: {escape(response['description'])} {' '.join(bodies)}</p>")
    head = (
        f"<b>{escape(method.upper())}</b> <code>{escape(path)}</code> {escape(operation.get('summary', ''))}"
    )
    return f"<details><summary>{head}</summary>{''.join(parts)}</details>"


def _members(body: dict[str, Any]) -> str:
    rows = [f"<p>{escape(body.get('description', ''))}</p>"]
    required = body.get("required", [])
    for name, member in body.get("properties", {}).items():
        need = "" if name in required else ", optional"
        note = escape(member.get("description", ""))
        rows.append(f"<p><code>{escape(name)}</code>: {_reference(member)}{need}. {note}</p>")
    return "".join(rows)


def _reference(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[-1])
        return f'<a href="#{name}">{name}</a>'
    if "items" in schema:
        return f"list of {_reference(schema['items'])}"
    if "anyOf" in schema:
        return " or ".join(_reference(each) for each in schema["anyOf"])
    return escape(_type(schema))


def _type(schema: dict[str, Any]) -> str:
    limits = [
        f"{name} {schema[name]}"
        for name in ("minimum", "maximum", "minLength", "maxLength", "pattern")
        if name in schema
    ]
    kind = " or ".join(map(str, schema["enum"])) if "enum" in schema else str(schema.get("type", "any"))
    return ", ".join([kind, *limits])
