"""Where the public test vectors are: ECERT_VECTORS, or ../shared/vectors beside the repository."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

__all__ = ["FOLDER", "load", "needs"]

FOLDER = Path(os.environ.get("ECERT_VECTORS") or Path(__file__).parents[3] / "shared" / "vectors")


def needs(*names: str) -> pytest.MarkDecorator:
    """Skip, naming the files, where one of them is absent."""
    absent = [name for name in names if not (FOLDER / name).is_file()]
    return pytest.mark.skipif(
        bool(absent), reason=f"test vectors absent (ECERT_VECTORS): {', '.join(absent)}"
    )


def load(name: str) -> Any:
    """Give a file's content, or an empty dict where it is absent and `needs` skips."""
    path = FOLDER / name
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
