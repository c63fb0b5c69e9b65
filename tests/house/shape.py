"""The shape of modules: their size, what a room shows, and that public names say what they do."""

import ast
from pathlib import Path

from tests.house.floors import FLOORS
from tests.house.sources import read_sources

__all__ = ["CEILING", "oversized", "undocumented", "unlisted"]

CEILING = 400


def oversized(root: Path, folders: tuple[str, ...] = ("ecert", "tests", "benchmarks")) -> list[str]:
    """Give the Python files longer than the ceiling, with their length in lines."""
    faults = []
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > CEILING:
                faults.append(f"{path.relative_to(root)}: {lines} lines, at most {CEILING}")
    return faults


def unlisted(root: Path) -> list[str]:
    """Give the rooms whose ``__init__`` has no ``__all__``, or lists a name that it does not bind."""
    faults = []
    for source in read_sources(root):
        if source.module.count(".") != 1 or source.path.name != "__init__.py" or source.room not in FLOORS:
            continue
        listed = _listed(source.tree)
        if listed is None:
            faults.append(f"{source.module}: has no __all__")
            continue
        bound = _bound(source.tree) | {path.stem for path in source.path.parent.iterdir()}
        faults += [
            f"{source.module}: lists {name}, which it does not bind" for name in listed if name not in bound
        ]
        # A hook may make names on first use; then they can't be seen without running it.
        if "__getattr__" in bound:
            faults = [fault for fault in faults if not fault.startswith(f"{source.module}: lists")]
    return faults


def undocumented(root: Path) -> list[str]:
    """Give the modules, public classes and public functions that have no docstring.

    An overload or a setter needs none, and neither does a method of a private class or of one with a base
    that may say it already. A migration is told by its module's docstring.
    """
    faults = []
    for source in read_sources(root):
        if source.tree.body and ast.get_docstring(source.tree) is None:
            faults.append(f"{source.module}: the module has no docstring")
        bare = [] if ".migrations." in source.module else _bare(source.tree.body, "")
        faults += [f"{source.module}:{line}: {name} has no docstring" for name, line in bare]
    return faults


def _bare(body: list[ast.stmt], owner: str) -> list[tuple[str, int]]:
    found = []
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            if ast.get_docstring(node) is None:
                found.append((owner + node.name, node.lineno))
            if {ast.unparse(base).partition("[")[0] for base in node.bases} <= {"Protocol"}:
                found += _bare(node.body, f"{owner}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            marks = {ast.unparse(mark) for mark in node.decorator_list}
            excused = "overload" in marks or any(mark.endswith(".setter") for mark in marks)
            if ast.get_docstring(node) is None and not excused:
                found.append((owner + node.name, node.lineno))
    return found


def _listed(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AnnAssign)
            else []
        )
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            value = node.value  # type: ignore[union-attr]
            if isinstance(value, ast.List | ast.Tuple):
                return [
                    item.value
                    for item in value.elts
                    if isinstance(item, ast.Constant) and isinstance(item.value, str)
                ]
    return None


def _bound(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names
