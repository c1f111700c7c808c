"""Takes the pictures: the application without a terminal, drawn as SVG at every stop of a journey."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from tests.pictures.drawing import draw
from tests.pictures.journeys import JOURNEYS
from tests.pictures.posing import December, posed_rig
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Input

from rigfit_installer.app import Installer

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "pictures"
LANGUAGES = ("en", "zh_CN")
SIZES = ((120, 40), (80, 24))  # the journey goes on in the last one


def taken(language: str) -> dict[str, str]:
    """Every picture by the name of its file."""
    return {name: drawn for machine in JOURNEYS for name, drawn in taken_on(machine, language).items()}


def taken_on(machine: str, language: str) -> dict[str, str]:
    """Those of the journey on one machine."""
    with _anywhere(language):
        return asyncio.run(_travel(machine))


@contextmanager
def _anywhere(language: str) -> Iterator[None]:
    """The same surroundings for everybody: language, colours, and the day."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "LANGUAGE")}
    with (
        patch.dict(os.environ, {**kept, "RIGFIT_LANG": language}, clear=True),
        patch("rigfit_installer.draw.receipt.datetime", December),
    ):
        yield


async def _travel(machine: str) -> dict[str, str]:
    pictures: dict[str, str] = {}
    app = Installer(posed_rig(machine))
    app.animation_level = "none"
    async with app.run_test(size=SIZES[-1]) as pilot:
        async for stop in JOURNEYS[machine](pilot):
            for width, height in SIZES:
                await pilot.resize_terminal(width, height)
                pictures[f"{stop}-{width}x{height}.svg"] = await _picture(pilot)
    return pictures


async def _picture(pilot: Pilot[int]) -> str:
    """What is to be seen once nothing moves any more."""
    for field in pilot.app.screen.query(Input):
        field.cursor_blink = False
    drawn, before = "", None
    while drawn != before:
        await pilot.pause(0.01)
        before, drawn = drawn, draw(_strips(pilot), pilot.app.screen.background_colors[1].hex.lower())
    return drawn


def _strips(pilot: Pilot[int]) -> list[Strip]:
    """The lines of the screen, with what shows through from those beneath it."""
    app = pilot.app
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens, simplify=True)
    return [Strip.join(line) for line in update.strips]  # type: ignore[union-attr]
