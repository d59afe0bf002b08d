"""Lets `pytest` run from a bare checkout: the four rooms are reached through the links in `weft/`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
