"""The page on checking says what the code does."""

import re
from pathlib import Path

from weft.driver.check_passes.compare import TOLERANCES
from weft.driver.check_passes.sizes import SIZES

PAGE = (Path(__file__).parents[3] / "docs" / "checking.md").read_text()


def test_the_page_has_the_table_of_tolerances():
    rows = re.findall(r"^\| (b?f\d+) \| (\S+) \|$", PAGE, re.M)
    assert [(name, float(value)) for name, value in rows] == [(n, t.relative) for n, t in TOLERANCES.items()]


def test_the_page_has_the_sizes():
    assert "3, 1, 0, 17, 2, 37 and 5" in PAGE and SIZES == (3, 1, 0, 17, 2, 37, 5)
