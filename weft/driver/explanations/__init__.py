"""The explanations of the codes, a module for each hundred; the names of the codes stand in `weft.codes`."""

from __future__ import annotations

from weft.driver.explanations import lowering, names, pipelines, running, system, text, values, verifier

_CHAPTERS = (text, names, values, verifier, pipelines, lowering, running, system)

EXPLANATIONS = {known.code: known for chapter in _CHAPTERS for known in chapter.EXPLANATIONS}
"""What is known of each code."""
