"""Reading the documents: their text, links, code blocks and what they name."""

import re
from pathlib import Path

__all__ = ["REPO", "blocks", "broken_links", "named", "pages", "unknown_names", "unnamed"]

REPO = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def pages(root: Path = REPO) -> dict[str, str]:
    """Give the text of every document, by its path from the root."""
    paths = [
        *root.glob("*.md"),
        *root.glob("docs/**/*.md"),
        *root.glob("keys/*.md"),
        *root.glob("benchmarks/*.md"),
    ]
    return {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in sorted(paths)}


def blocks(text: str, language: str) -> list[str]:
    """Give the fenced blocks of one language."""
    return [found[2] for found in FENCE.finditer(text) if found[1] == language]


def broken_links(root: Path) -> list[str]:
    """Give the links between documents that lead nowhere."""
    return [
        f"{name}: {target}"
        for name, text in pages(root).items()
        for target in LINK.findall(text)
        if "://" not in target and not target.startswith(("#", "mailto:"))
        if not ((root / name).parent / target.partition("#")[0]).exists()
    ]


def named(text: str, word: str) -> bool:
    """Say whether a word stands in a text by itself, not as a part of a longer one."""
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


def unnamed(words: list[str], text: str) -> list[str]:
    """Give the words that a text does not name."""
    return [word for word in words if not named(text, word)]


def unknown_names(text: str, pattern: str, known: set[str]) -> list[str]:
    """Give the words of a pattern that a text names although they do not exist."""
    return sorted(set(re.findall(pattern, text)) - known)
