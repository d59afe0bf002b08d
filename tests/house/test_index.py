"""Everything that weft knows by name is there, named as its file is, and described."""

import inspect

import pytest

from weft.registry import context, find_pass, pass_names


@pytest.mark.parametrize("name", pass_names())
def test_a_pass_is_called_as_its_file_and_tells_what_it_does(name):
    kind = find_pass(name)
    assert kind.name == name
    assert kind.__module__.rpartition(".")[2].removeprefix("loop_") in (
        name.replace("-", "_"),
        name.removeprefix("loop-").replace("-", "_"),
    )
    text = inspect.getdoc(kind) or ""
    module = inspect.getmodule(kind)
    text += inspect.getdoc(module) or ""
    for word in ("Before", "After", "Needs", "Leaves alone"):
        assert word in text, f"the docstring of {name} has no '{word}'"


def test_every_dialect_loads():
    ctx = context()
    for name in list(ctx.registered_dialect_names):
        ctx.load_registered_dialect(name)


def test_names_of_passes_are_unique():
    assert len(set(pass_names())) == len(pass_names())
