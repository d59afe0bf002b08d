"""The version of weft, written once."""

VERSION = "0.1.0"
