"""What of the measured matrix other programs go by: the bounds that follow from it, and all of it in brief, for `rigfit matrix`.

python -m tests.matrix.derive
"""

from __future__ import annotations

from tests.matrix.bounds import bounds, in_toml
from tests.matrix.brief import brief
from tests.matrix.measure import ROOT, ROWS, STACKS
from tests.matrix.rows import lines_of, read

BOUNDS = ROOT / "environments/facts/measured.toml"
BRIEF = ROOT / "environments/facts/matrix.json"


def main() -> None:
    rows = read(ROWS)
    stacks = {line["stack"]: line["packages"] for line in lines_of(STACKS)}
    BOUNDS.write_text(in_toml(bounds(rows), rows), encoding="utf-8")
    BRIEF.write_text(brief(rows, stacks), encoding="utf-8")


if __name__ == "__main__":
    main()
