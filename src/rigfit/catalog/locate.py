"""Where the catalog is: named by the person, shipped in the wheel, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

import rigfit
from rigfit.catalog.place import Place
from rigfit.core.problem import Problem, ProblemError
from rigfit.core.words import say
from rigfit.process.place import is_folder

TEMPLATE_FILE = "template.toml"
FACTS = "facts"


def catalog_dir(override: Path | None) -> Path:
    """The folder with templates and facts; `override` is what `--catalog DIR` says."""
    if override is not None:
        return _proven(override.expanduser().resolve())
    package = Path(rigfit.__file__).resolve().parent
    shipped, checkout = package / "environments", package.parents[1] / "environments"
    return _proven(shipped if shipped.is_dir() else checkout)


def template_folders(catalog: Path) -> list[Path]:
    """Every folder but `facts` and hidden ones is a template, so that a half-made one is noticed."""
    return sorted(
        folder
        for folder in catalog.iterdir()
        if folder.is_dir() and folder.name != FACTS and not folder.name.startswith((".", "_"))
    )


def find_template(catalog: Path, name: str) -> Path:
    """The folder of a template. Raises ProblemError `unknown_template`, which names those that there are."""
    folders = {folder.name: folder for folder in template_folders(catalog)}
    if name not in folders:
        what = say("there is no template `{name}` in {catalog}", name=name, catalog=catalog)
        fix = (say("choose one of: {names}", names=", ".join(folders)),)
        raise ProblemError(Problem(code="unknown_template", what=what, fix=fix))
    return folders[name]


def _proven(folder: Path) -> Path:
    needed = say(
        "a catalog: a folder with `{facts}/` and one `{template}` or more in folders beside it",
        facts=FACTS,
        template=TEMPLATE_FILE,
    )
    if not is_folder(folder):
        raise Place(file=folder).wrong(needed=needed, found=say("no such folder"))
    if not is_folder(folder / FACTS) or not any(folder.glob(f"*/{TEMPLATE_FILE}")):
        there = ", ".join(sorted(entry.name for entry in folder.iterdir())[:8]) or say("nothing")
        raise Place(file=folder).wrong(needed=needed, found=say("a folder with {names}", names=there))
    return folder
