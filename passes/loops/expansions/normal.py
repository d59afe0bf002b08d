"""gelu by the lower tail of the normal distribution, which keeps its digits where erf has lost them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.ir import SSAValue

from weft.passes.loops.expansions.arithmetic import Floats
from weft.passes.loops.expansions.error_function import exp_of_square
from weft.passes.loops.expansions.formats import F32, F64, Format


@dataclass(frozen=True)
class _Tail:
    """The share of the normal distribution below -u, times exp(u**2 / 2) (u + shift), in 1 - 2 shift / (u + shift).

    That is for u from 0 to `none`; from there on u times the share is 0.
    """

    shift: float
    none: float
    share: tuple[float, ...]


TAILS: Mapping[Format, _Tail] = {
    F32: _Tail(
        shift=2.0,
        none=14.5,
        share=(
            0.6724079847335815,
            -0.3314044773578644,
            0.028797369450330734,
            0.03671928495168686,
            -0.0004697366093751043,
            -0.006733822636306286,
            -0.0019515538588166237,
            0.0008219036972150207,
            0.0008363950764760375,
            0.00013468542601913214,
            -0.0001489796704845503,
            -6.608572584809735e-05,
        ),
    ),
    F64: _Tail(
        shift=2.0,
        none=38.7,
        share=(
            0.6724080048926824,
            -0.33140444238878103,
            0.028797360345362965,
            0.03671836096891929,
            -0.00046959683440021485,
            -0.006724907078009527,
            -0.001951124160475291,
            0.0007851181532959185,
            0.0008271989345756716,
            0.0002069917688438179,
            -0.0001156925089417345,
            -0.00012855215234640734,
            -4.605849832175775e-05,
            9.682502368576736e-06,
            2.1723137322510383e-05,
            1.2569088617429327e-05,
            1.9686328559379106e-06,
            -2.852316796718724e-06,
            -2.8356634328702295e-06,
            -1.3531106366855095e-06,
            -3.549342372133916e-07,
            2.896997554613299e-07,
            7.101938303482255e-07,
            4.464484141010668e-07,
            -1.336031676832589e-07,
            -2.5501122101650395e-07,
            -4.5413168783363914e-08,
            4.362851075343212e-08,
            1.5680449672916672e-08,
        ),
    ),
}
"""By format, to 3e-9 and 6e-18."""


def gelu(f: Floats, x: SSAValue) -> SSAValue:
    """x less what is lost for x > 0, and minus the same for others: |x| times the share of the distribution below -|x|.

    The exponential of the square is taken in two parts, so that its error does not grow with x.
    """
    tail = TAILS[f.format]
    size = f.at_most(f.magnitude(x), tail.none)
    scale = f.div(1.0, f.add(size, tail.shift))
    place = f.sub(1.0, f.mul(scale, 2 * tail.shift))
    power, n = exp_of_square(f, size, 0.5)
    lost = f.scaled(f.mul(f.mul(size, power), f.mul(scale, f.polynomial(place, tail.share))), n)
    return f.sub(f.where("ogt", x, 0.0, x, f.mul(x, 0.0)), lost)
