"""Reading a source tree without running it: its modules, their rooms and what they import."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Import", "Source", "read_sources"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One imported module, as a dotted name, with the line that imports it."""

    module: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One module of the package: its dotted name, its room and its syntax tree."""

    module: str
    room: str
    path: Path
    tree: ast.Module
    lines: int

    def imports(self) -> Iterator[Import]:
        """Give every import of the module, inside functions and type-checking blocks too.

        ``from ecert.wire import jws`` counts as both ``ecert.wire`` and ``ecert.wire.jws``, because which
        of the two it is can't be told from the text; a relative import is made absolute.
        """
        package = self.module if self.path.name == "__init__.py" else self.module.rpartition(".")[0]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(module=alias.name, line=node.lineno)
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    parts = package.split(".")
                    base = ".".join(
                        [*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])]
                    )
                yield Import(module=base, line=node.lineno)
                for alias in node.names:
                    yield Import(module=f"{base}.{alias.name}", line=node.lineno)

    def __str__(self) -> str:
        return self.path.name if self.module == "ecert" else self.module


def read_sources(root: Path, package: str = "ecert") -> list[Source]:
    """Read every module of the package under a folder.

    Args:
        root: The folder that holds the package's folder.
        package: The package's name.
    """
    sources = []
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        text = path.read_text(encoding="utf-8")
        sources.append(
            Source(
                module=".".join(parts),
                room=parts[1] if len(parts) > 1 else "",
                path=path,
                tree=ast.parse(text, str(path)),
                lines=text.count("\n"),
            )
        )
    return sources
