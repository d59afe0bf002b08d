"""What is said of a GPU behind the name of a target, alike everywhere: `cuda:sm_90a,+ptx86`, `gpu-sim:sm_80,check`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from weft import codes
from weft.diagnostics import WeftError, did_you_mean
from weft.dialects.chips import CHIPS, LEAST_PTX, PTX_VERSIONS
from weft.dialects.target import Cuda

_VERSION = re.compile(r"\+ptx(\d+)")


@dataclass(frozen=True)
class GpuOptions:
    """The chip and the version of PTX that are asked for, None where they are not, and which other words are said."""

    chip: str | None
    ptx: int | None
    words: frozenset[str]

    def applied(self, facts: Cuda) -> Cuda:
        """A GPU with what is asked for."""
        chip, ptx = self.chip or facts.chip, self.ptx or facts.ptx
        return replace(facts, chip=chip, ptx=ptx)

    def named(self, default: str) -> Cuda:
        """The GPU that is asked for by its chip, or the one of the default chip."""
        return self.applied(CHIPS[self.chip or default])


def read_gpu_options(text: str, target: str, known: Sequence[str] = ()) -> GpuOptions:
    """The options of a text such as `sm_90a,+ptx86`, which stands behind the name of a target; `known` are words that
    may stand there too.

    Raises :class:`WeftError` for a chip, a version of PTX or a word that is not known, and for a version that does not
    know the chip.
    """
    whole = f"{target}:{text}"
    chip: str | None = None
    ptx: int | None = None
    words: set[str] = set()
    for word in filter(None, text.split(",")):
        if word in known:
            words.add(word)
        elif word in CHIPS and chip is None:
            chip = word
        elif word.startswith(("+", "-")):
            ptx = _version(word, whole)
        else:
            raise _unknown(word, whole, known)
    if chip is not None and ptx is not None and ptx < LEAST_PTX[chip]:
        message = f"target '{whole}': {chip} needs +ptx{LEAST_PTX[chip]} or later"
        raise WeftError(message, code=codes.UNKNOWN_TARGET)
    return GpuOptions(chip, ptx, frozenset(words))


def _version(word: str, whole: str) -> int:
    found = _VERSION.fullmatch(word)
    if found is None or int(found[1]) not in PTX_VERSIONS:
        hint = f"a version of PTX is one of {', '.join(f'+ptx{known}' for known in PTX_VERSIONS)}"
        raise WeftError(f"target '{whole}': '{word}' is no version of PTX", hint=hint, code=codes.UNKNOWN_TARGET)
    return int(found[1])


def _unknown(word: str, whole: str, known: Sequence[str]) -> WeftError:
    hint = did_you_mean(word, [*CHIPS, *known]) or f"known are {', '.join([*CHIPS, *known])}, and +ptxNN"
    if word in CHIPS:
        return WeftError(f"target '{whole}': it names two chips", code=codes.UNKNOWN_TARGET)
    message = f"unknown target '{whole}': no code can be made for '{word}'"
    return WeftError(message, hint=hint, code=codes.UNKNOWN_TARGET)
