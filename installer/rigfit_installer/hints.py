"""Next steps are told for the command line; what does the same here is told beside them."""

from __future__ import annotations

import re

from rigfit.core.words import Words, say

_QUOTED = re.compile(r"`([^`]+)`")
_COMMAND = re.compile(  # perhaps told where: `in Windows: wsl --shutdown, then open this system again`
    r"(?:[^:`]+: )?((?:sudo|unset|ls|mokutil|printf|grep|lxc|wsl|pip"
    r"|rigfit (?:setup|verify|repair|remove|list|detect|select|plan|lock|doctor|fits))\b.*?)(?:, then .*)?"
)
_SETUP = re.compile(
    r"rigfit setup(?: (?!-)(?P<template>[^\s`]+))?(?: --gpu [^\s`]+)?(?: --variant (?P<variant>[^\s`]+))?"
)


def command_in(step: str) -> str | None:
    """`sudo reboot` of "then `sudo reboot`, and look again"; None where nothing in it is to be typed."""
    quoted = _QUOTED.search(step)
    if quoted:
        return quoted[1]
    found = _COMMAND.fullmatch(step)
    return found[1] if found else None


def command_told(step: str) -> str | None:
    """Of a finding, whose steps are command lines as they are wherever they are no words for people."""
    return command_in(step) if isinstance(step, Words) else step


def hint(step: str, screen: str) -> Words | None:
    """What does the same on the screen of that name, if anything does."""
    match screen:
        case "choose":
            return _on_choose(step)
        case "plan":
            return _on_plan(step)
        case "result":
            return _on_result(step)
        case "environments":
            return _on_environments(step)
        case _:
            return None


def _on_choose(step: str) -> Words | None:
    found = _SETUP.search(step)
    if found and found["variant"]:
        return say("here: enter, then v, and pick {variant}", variant=found["variant"])
    if found and found["template"]:
        return say("here: pick {template} in the list", template=found["template"])
    return None


def _on_plan(step: str) -> Words | None:
    found = _SETUP.search(step)
    if found and found["variant"]:
        return say("here: v, and pick {variant}", variant=found["variant"])
    if found and found["template"]:
        return say("here: esc, and pick {template} in the list", template=found["template"])
    if "--home" in step:
        return say("here: h names another home")
    if "--gpu" in step:
        return say("here: g picks another GPU")
    return say("here: r plans again") if "the same command again" in step else None


def _on_result(step: str) -> Words | None:
    if "--home" in step:
        return say("here: enter, and h on the plan")
    if "rigfit doctor" in step:
        return say("here: d")
    if "rigfit repair" in step:
        return say("here: e, then r there")
    return say("here: r runs it again") if "the same command again" in step or "rigfit verify" in step else None


def _on_environments(step: str) -> Words | None:
    if "rigfit repair" in step:
        return say("here: r")
    return say("here: v") if "rigfit verify" in step else None
