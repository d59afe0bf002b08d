"""exp, exp2, expm1 and tanh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.dialects import arith, math
from xdsl.ir import SSAValue

from weft.passes.loops.expansions.arithmetic import Floats
from weft.passes.loops.expansions.formats import F32, F64, Format

LOG2_E = 1.4426950408889634


@dataclass(frozen=True)
class _Numbers:
    """What exponentials of a format are made of.

    `ln2_high` has so few bits that its products with exponents are exact; `ln2_low` is the rest of ln 2. The tails are
    polynomials of least relative error: `exp_tail` is (exp(r) - 1 - r) / r**2 for |r| <= 0.35, `exp2_tail` is
    (2**r - 1) / r for |r| <= 0.505, `table_tail` the same for |r| <= 1 / 31.7 (f32) and 1 / 15.97 (f64), what is left
    when a table holds the powers of two by sixteenths (eighths) of their exponents. `log2_e` is log2(e) in two parts,
    for products that are fused with their sums. Below `exp_least` exp is 0, from `exp_most` on it is infinite, and so
    on.
    """

    ln2_high: float
    ln2_low: float
    exp_tail: tuple[float, ...]
    exp2_tail: tuple[float, ...]
    exp_least: float
    exp_most: float
    exp2_least: float
    exp2_most: float
    expm1_least: float
    table_tail: tuple[float, ...]
    log2_e: tuple[float, float]


NUMBERS: Mapping[Format, _Numbers] = {
    F32: _Numbers(
        ln2_high=0.693145751953125,
        ln2_low=1.428606765330187e-06,
        exp_tail=(0.5, 0.16666512191295624, 0.0416661873459816, 0.008369598537683487, 0.0013951717410236597),
        exp2_tail=(
            0.6931471824645996,
            0.24022650718688965,
            0.0555032454431057,
            0.009618000127375126,
            0.0013401624746620655,
            0.0001547736901557073,
        ),
        exp_least=-104.0,
        exp_most=89.0,
        exp2_least=-151.0,
        exp2_most=129.0,
        expm1_least=-25.0,
        table_tail=(0.6931471802317485, 0.24023366475482105, 0.05550576246241568),
        log2_e=(1.4426950216293335, 1.925963033500e-08),
    ),
    F64: _Numbers(
        ln2_high=0.6931471803691238,
        ln2_low=1.9082149292705877e-10,
        exp_tail=(
            0.5000000000000012,
            0.1666666666666639,
            0.041666666666515945,
            0.008333333333501936,
            0.001388888894784125,
            0.00019841269502839565,
            2.480148833344888e-05,
            2.755757864719566e-06,
            2.763206939352729e-07,
            2.5005955539379167e-08,
        ),
        exp2_tail=(
            0.6931471805599453,
            0.24022650695910072,
            0.05550410866482175,
            0.00961812910762857,
            0.0013333558146377768,
            0.0001540353039315377,
            1.5252733868675255e-05,
            1.3215487016978884e-06,
            1.0178045933734851e-07,
            7.054810805500661e-09,
            4.4574793681405045e-10,
            2.5858813861446493e-11,
        ),
        exp_least=-746.0,
        exp_most=710.0,
        exp2_least=-1076.0,
        exp2_most=1025.0,
        expm1_least=-50.0,
        table_tail=(
            0.6931471805599453,
            0.2402265069591094,
            0.05550410866482396,
            0.009618129089870323,
            0.0013333558121087277,
            0.00015404436708830858,
            1.5253630287936656e-05,
        ),
        log2_e=(1.4426950408889634, 2.0355273740931033e-17),
    ),
}
"""By format; errors 3.4e-9, 2e-9 and 2.4e-9 in f32, 7.6e-18, 1.9e-17 and 4.9e-18 in f64."""

TABLE_BYTES = 64
"""The size of a table that a register holds."""

TANH_ONE = {23: 9.1, 52: 20.0}
"""From here on tanh is 1, by the bits of the mantissa."""


def exp(f: Floats, x: SSAValue) -> SSAValue:
    """exp(x) = 2**n * exp(r), where r = x - n * ln 2 and |r| <= ln(2) / 2. Denormal results are right."""
    numbers = NUMBERS[f.format]
    least = f.at_least(numbers.exp_least, x)
    x = least if is_negative(x) else f.at_most(least, numbers.exp_most)
    if f.tables:
        n, place = _by_table(f, f.fma(x, numbers.log2_e[0], _rounder(f)))
        r = f.fma(x, numbers.log2_e[1], f.fma(x, numbers.log2_e[0], f.negate(n)))
        return f.scaled(_power_near(f, r, place), n)
    if f.powers:
        whole, n = f.round(f.mul(x, LOG2_E))
        r = f.fma(x, numbers.log2_e[1], f.fma(x, numbers.log2_e[0], f.negate(whole)))
        return f.scaled(f.power_near(r), n)
    r, n = _reduced(f, x)
    return f.scaled(f.add(_expm1_near(f, r), 1.0), n)


def exp_of_sum(f: Floats, high: SSAValue, low: SSAValue) -> tuple[SSAValue, SSAValue]:
    """exp(high + low) = 2**n * y as y and n, for a `low` that is small, and a sum from -exp_least to 0."""
    numbers = NUMBERS[f.format]
    whole, n = f.round(f.mul(f.add(high, low), LOG2_E))
    r = f.add(f.sub(f.sub(high, f.mul(whole, numbers.ln2_high)), f.mul(whole, numbers.ln2_low)), low)
    return f.add(_expm1_near(f, r), 1.0), n


def exp2(f: Floats, x: SSAValue) -> SSAValue:
    """2**x = 2**n * 2**r, where r = x - n and |r| <= 1/2."""
    numbers = NUMBERS[f.format]
    x = f.clamp(numbers.exp2_least, x, numbers.exp2_most)
    if f.tables:
        n, place = _by_table(f, f.add(x, _rounder(f)))
        return f.scaled(_power_near(f, f.sub(x, n), place), n)
    whole, n = f.round(x)
    r = f.sub(x, whole)
    if f.powers:
        return f.scaled(f.power_near(r), n)
    return f.scaled(f.add(f.mul(r, f.polynomial(r, numbers.exp2_tail)), 1.0), n)


def expm1(f: Floats, x: SSAValue) -> SSAValue:
    """exp(x) - 1 = 2 * (s * (exp(r) - 1) + (s - 1/2)), where s = 2**(n - 1); exact near 0."""
    numbers = NUMBERS[f.format]
    r, n = _reduced(f, f.clamp(numbers.expm1_least, x, numbers.exp_most))
    half = f.scaled(f.number(0.5), n)
    result = f.add(f.mul(_expm1_near(f, r), half), f.sub(half, 0.5))
    return f.where("olt", f.magnitude(x), f.format.half_unit / 2, x, f.add(result, result))


def tanh(f: Floats, x: SSAValue) -> SSAValue:
    """e / (e + 2) with e = exp(2|x|) - 1 = 2**n * (exp(r) - 1) + (2**n - 1), and the sign of x."""
    size = f.at_most(f.magnitude(x), TANH_ONE[f.format.mantissa])
    r, n = _reduced(f, f.add(size, size))
    scale = f.power_of_two(n)
    e = f.add(f.mul(_expm1_near(f, r), scale), f.sub(scale, 1.0))
    return f.signed_as(f.div(e, f.add(e, 2.0)), x)


def is_negative(x: SSAValue) -> bool:
    """Whether a number is never above 0, by the op that made it: minus the size of another."""
    return isinstance(x.owner, arith.NegfOp) and isinstance(x.owner.operand.owner, math.AbsFOp)


def _rounder(f: Floats) -> float:
    """Adding it to a number rounds that to as many parts of 1 as a table has numbers; the low bits say which."""
    return f.format.rounder / _table_size(f)


def _table_size(f: Floats) -> int:
    return TABLE_BYTES * 8 // f.format.integer.bitwidth


def _by_table(f: Floats, shifted: SSAValue) -> tuple[SSAValue, SSAValue]:
    """A number in parts of 1, of which the rounder is taken off, and two to the power of its part of 1."""
    size = _table_size(f)
    return f.sub(shifted, _rounder(f)), f.looked_up(shifted, [2.0 ** (part / size) for part in range(size)])


def _power_near(f: Floats, r: SSAValue, power: SSAValue) -> SSAValue:
    """`power` * 2**r for a small r."""
    return f.fma(power, f.mul(r, f.polynomial(r, NUMBERS[f.format].table_tail)), power)


def _reduced(f: Floats, x: SSAValue) -> tuple[SSAValue, SSAValue]:
    """x - n * ln 2, and n."""
    numbers = NUMBERS[f.format]
    whole, n = f.round(f.mul(x, LOG2_E))
    return f.sub(f.sub(x, f.mul(whole, numbers.ln2_high)), f.mul(whole, numbers.ln2_low)), n


def _expm1_near(f: Floats, r: SSAValue) -> SSAValue:
    """exp(r) - 1 for |r| <= 0.35."""
    return f.add(r, f.mul(f.mul(r, r), f.polynomial(r, NUMBERS[f.format].exp_tail)))
