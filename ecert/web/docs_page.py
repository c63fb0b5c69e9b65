"""`/docs`: the doors as one plain page, made from the OpenAPI description. No script, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

__all__ = ["DOCS_POLICY", "docs_page"]

DOCS_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"

_STYLE = """
:root { color-scheme: light dark; }
body { font: 18px/1.6 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; } h3 code { font-size: 1.05em; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .25rem .75rem .25rem 0;
vertical-align: top; border-bottom: 1px solid #8886; } code { overflow-wrap: anywhere; }
"""


def docs_page(description: Mapping[str, Any]) -> str:
    """Draw the page."""
    title = escape(description["info"]["title"])
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>"
        f"<p>{escape(description['info'].get('description', ''))}</p>"
        f'<p>For programs: <a href="openapi.json">openapi.json</a>. A client key goes into '
        f"<code>Authorization: Bearer …</code>.</p>{''.join(_doors(description))}"
        f"<h2>Shapes</h2>{''.join(_shapes(description))}</html>"
    )


def _doors(description: Mapping[str, Any]) -> Iterator[str]:
    tag = ""
    doors = [
        (door.get("tags", ["other"])[0], method, path, door)
        for path, methods in description["paths"].items()
        for method, door in methods.items()
    ]
    for group, method, path, door in sorted(doors, key=lambda d: (d[0], d[2])):
        if group != tag:
            tag = group
            yield f"<h2>{escape(tag)}</h2>"
        yield f"<h3><code>{method.upper()} {escape(path)}</code></h3><p>{escape(door.get('summary', ''))}. "
        yield f"{escape(door.get('description', ''))}</p><table>"
        for parameter in door.get("parameters", ()):
            name = f"{parameter['name']} ({parameter['in']})"
            yield _row(name, parameter.get("description", ""))
        for kind, shape in door.get("requestBody", {}).get("content", {}).items():
            yield _row("body", f"{kind} {_name(shape)}")
        for status, answer in door["responses"].items():
            made = ", ".join(f"{kind} {_name(shape)}" for kind, shape in answer.get("content", {}).items())
            yield _row(
                status, f"{answer.get('description', '')}: {made}" if made else answer.get("description", "")
            )
        yield "</table>"


def _shapes(description: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in sorted(description["components"]["schemas"].items()):
        yield f"<h3><code>{escape(name)}</code></h3><p>{escape(schema.get('description', ''))}</p><table>"
        for field, shape in schema.get("properties", {}).items():
            needed = "" if field in schema.get("required", ()) else " (optional)"
            yield _row(field + needed, f"{_kind(shape)} {shape.get('description', '')}")
        yield "</table>"


def _row(left: str, right: str) -> str:
    return f"<tr><th><code>{escape(left)}</code></th><td>{escape(right.strip())}</td></tr>"


def _name(content: Mapping[str, Any]) -> str:
    return _kind(content.get("schema", {}))


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return " | ".join(_kind(option) for option in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format", schema.get("type", "")))
