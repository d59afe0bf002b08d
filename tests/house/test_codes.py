"""Every code of an error is explained: what `weft explain` and docs/errors.md say comes from there."""

from weft.codes import CODES
from weft.driver.explanations import EXPLANATIONS


def test_every_code_has_an_explanation_and_every_explanation_a_code():
    missing = [f"{code}: {code.title}" for code in CODES.values() if code not in EXPLANATIONS]
    assert not missing, f"write an Explanation in weft/driver/explanations for {missing}"
    assert set(EXPLANATIONS) <= set(CODES.values())


def test_no_two_codes_are_alike():
    assert len({code.title for code in CODES.values()}) == len(CODES)
    assert list(CODES) == sorted(CODES)
