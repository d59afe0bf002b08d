"""What is installed is what is in the tree."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("dialects", "passes", "frontends", "backends")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def packages_in_the_tree():
    for room in ("weft", *ROOMS):
        prefix = () if room == "weft" else ("weft",)
        for init in sorted((ROOT / room).rglob("__init__.py")):
            parts = init.parent.relative_to(ROOT).parts
            if parts[0] != "weft" or len(parts) == 1 or parts[1] not in ROOMS:
                yield ".".join((*prefix, *parts))


def test_every_package_is_listed_once():
    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == sorted(packages_in_the_tree())


def test_every_folder_with_modules_is_a_package():
    for room in ("weft", *ROOMS):
        for module in (ROOT / room).rglob("*.py"):
            assert (module.parent / "__init__.py").exists(), module


def test_every_data_file_is_listed():
    listed = PROJECT["tool"]["setuptools"]["package-data"]
    for room in ROOMS:
        for path in (ROOT / room).rglob("*"):
            if path.suffix in (".lark", ".ll"):
                package = ".".join(("weft", *path.parent.relative_to(ROOT).parts))
                assert any(path.match(pattern) for pattern in listed.get(package, [])), path


def test_the_rooms_are_linked_into_the_front_door():
    for room in ROOMS:
        assert (ROOT / "weft" / room).readlink() == Path("..") / room
