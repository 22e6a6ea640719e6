"""Matrices of controls that the user brings: a company's own controls, or a published framework in the user's words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MatrixControl:
    """One control; all texts are clean lines."""

    id: str
    title: str
    """What it asks for."""
    must_show: str = ""
    """What the rules must show, in the words of whoever answers for the control."""
    beyond: str = ""
    """What lists of jobs cannot show of it."""
    automatable: bool = True
    """Whether a rule on lists of jobs can show any of it."""
    rules: tuple[str, ...] = ()
    """The rules that speak to it, RULE or POLICY/RULE, beside those that name it themselves."""


@dataclass(frozen=True, slots=True)
class ControlMatrix:
    """One framework of controls, from one file."""

    framework: str
    """The name that rules have for it in `controls`."""
    title: str
    path: str
    controls: tuple[MatrixControl, ...]
    sha256: str = ""
    """Of the file, 64 hex digits."""
