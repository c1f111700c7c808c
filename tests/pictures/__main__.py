"""Writes docs/pictures: every screen at two sizes, in two languages, from recorded machines and replayed runs.

`python -m tests.pictures` from the top of the checkout, after a change of looks or texts; then read the difference.
"""

from __future__ import annotations

import sys

from tests.pictures.taking import FOLDER, LANGUAGES, ROOT, taken


def main() -> None:
    if sys.argv[1:]:
        sys.exit("usage: python -m tests.pictures, without arguments; writes docs/pictures")
    for language in LANGUAGES:
        pictures = taken(language)
        folder = FOLDER / language
        folder.mkdir(parents=True, exist_ok=True)
        for stale in {path.name for path in folder.iterdir()} - set(pictures):
            (folder / stale).unlink()
        for name, drawn in pictures.items():
            (folder / name).write_text(drawn, encoding="utf-8")
        sys.stdout.write(f"wrote {folder.relative_to(ROOT)}: {len(pictures)} pictures\n")


if __name__ == "__main__":
    main()
