"""The reference backend with the same manners of calling as compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from weft.backends.arguments import bind, check_out, check_value
from weft.backends.reference import run
from weft.backends.signature import Signature


class Oracle:
    """A function of a module, run by NumPy."""

    def __init__(self, module: ModuleOp, signature: Signature) -> None:
        self.module = module
        self.signature = signature

    def __call__(self, *args: object, out: object = None, **kwargs: object) -> Any:
        """Call it: arrays and numbers in, results out, as :meth:`weft.driver.compile.Compiled.__call__` tells."""
        given = bind(self.signature, args, kwargs)
        values = [check_value(spec, value) for spec, value in zip(self.signature.arguments, given, strict=True)]
        outs = check_out(self.signature.results, out, values)
        results = run(self.module, self.signature.name, values)
        if outs is not None:
            for place, result in zip(outs, results, strict=True):
                np.copyto(place, result)
            results = tuple(outs)
        if not results:
            return None
        return results[0] if len(results) == 1 else results
