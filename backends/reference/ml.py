"""The `ml` dialect: every op says its own meaning (`evaluate`); regions are run by the machine."""

from __future__ import annotations

import numpy as np
from xdsl.interpreter import ReturnedValues

from weft.backends.reference.machine import Machine, Rules
from weft.dialects.ml import ReturnOp
from weft.dialects.ml.base import MlOp
from weft.dialects.ml.dtypes import Array
from weft.dialects.scalars.types import Value


def _evaluate(machine: Machine, op: MlOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    if not op.regions:
        return op.evaluate(*args)

    def body(*operands: Array, region: int = 0) -> tuple[Array, ...]:
        values = machine.run_ssacfg_region(op.regions[region], tuple(map(np.asarray, operands)))
        return tuple(map(np.asarray, values))

    return op.evaluate(*args, body=body)


def _return(machine: Machine, op: ReturnOp, args: tuple[Value, ...]) -> tuple[Value, ...]:
    return ReturnedValues(args)


RULES: Rules = {MlOp: _evaluate, ReturnOp: _return}
