"""The syntax of upstream ops that xDSL has in generic form only, or not as upstream writes it."""

from weft.dialects.upstream.syntax.index import Syntax, declared_for, printer_of, written_for

__all__ = ["Syntax", "declared_for", "printer_of", "written_for"]
