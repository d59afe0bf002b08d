"""Every example as a library, its inputs inside and its constants in a file beside: it gives what the program gives."""

from pathlib import Path

import numpy as np
import pytest

import weft
from tests.end_to_end.ahead.building import exported, needs_cc
from weft.driver.inputs import read_value
from weft.driver.program import find_entry, parse
from weft.driver.signatures import signature_of

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.mlir"))


@needs_cc
@pytest.mark.long
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_a_library(path, tmp_path):
    specs = signature_of(find_entry(parse(path), None)).arguments
    inside = {spec.name: None for spec in specs if spec.default is not None}
    given = {
        spec.name: read_value("x".join(map(str, (dim or 3 for dim in spec.dims))) + f"x{spec.dtype}=random:{n}", Path())
        for n, spec in enumerate(specs)
        if spec.name not in inside
    }
    values = {spec.name: read_value(spec.default, path.parent, spec.name) for spec in specs if spec.name in inside}
    wishes = {"entries": ("main",), "bind": inside, "weights": tmp_path / "example.safetensors"}
    loaded = weft.load(exported(path, tmp_path / "example.so", **wishes))
    found, wanted = loaded(**given), weft.compile(path)(**given, **values)
    several = isinstance(wanted, tuple)
    for one, other in zip(found, wanted, strict=True) if several else [(found, wanted)]:
        np.testing.assert_allclose(np.asarray(one, float), np.asarray(other, float), rtol=1e-3, atol=1e-4)
