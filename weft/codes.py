"""The codes of errors: short, stable names for what can be wrong; `weft explain CODE` tells more.

A code is never given to another error; one that is no longer used is not used again. The hundreds say where the error
comes from: 1 the text, 2 its names, 3 types and attributes, 4 the verifier, 5 pipelines, 6 lowering, 7 running,
8 files and the command line, 9 weft itself.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """A code as it is printed, and its title in a few words."""

    name: str
    title: str

    def __str__(self) -> str:
        return self.name


NOT_UTF8 = Code("E0101", "the text is not UTF-8")
BAD_TOKEN = Code("E0102", "characters that begin no token")
SYNTAX = Code("E0103", "something else is expected here")
TOO_DEEP = Code("E0104", "nested too deep")
TOO_MANY_ERRORS = Code("E0105", "too many errors")
NOT_ONE_MODULE = Code("E0106", "the file is not one top-level op")
OP_SYNTAX = Code("E0107", "an op cannot be made of its text")

UNKNOWN_OP = Code("E0201", "unknown operation")
UNKNOWN_TYPE = Code("E0202", "unknown type")
UNKNOWN_ATTRIBUTE = Code("E0203", "unknown attribute")
UNDEFINED_VALUE = Code("E0204", "a value is used but not defined")
REDEFINED_VALUE = Code("E0205", "a value is defined twice")
UNDEFINED_BLOCK = Code("E0206", "a block is used but not defined")
REDEFINED_BLOCK = Code("E0207", "a block is defined twice")
UNDEFINED_ALIAS = Code("E0208", "an alias is used but not defined")
REDEFINED_ALIAS = Code("E0209", "an alias is defined twice")
CYCLIC_ALIAS = Code("E0210", "an alias refers to itself")
COUNT_MISMATCH = Code("E0211", "values and their types differ in number")
TYPE_MISMATCH = Code("E0212", "a value is used with another type than its own")
BAD_RESOURCE = Code("E0213", "a resource is unknown or malformed")
REPEATED_KEY = Code("E0214", "a key stands twice in a dictionary")

TOO_LARGE = Code("E0301", "a number does not fit in 64 bits")
OUT_OF_RANGE = Code("E0302", "a number does not fit its type")
BAD_TYPE = Code("E0303", "a malformed type")
BAD_ATTRIBUTE = Code("E0304", "a malformed attribute")
BAD_LITERAL = Code("E0305", "a dense literal that does not fit its type")
BAD_AFFINE = Code("E0306", "a malformed affine map or set")

INVALID_OP = Code("E0401", "an op breaks a rule of its own")
WRONG_COUNT = Code("E0402", "an op has too many or too few parts")
WRONG_TYPE = Code("E0403", "an operand, result or attribute of the wrong kind")
WRONG_ATTRIBUTES = Code("E0404", "an attribute is missing or not known to its op")
MISSING_TERMINATOR = Code("E0405", "a block does not end with a terminator")
NOT_DOMINATED = Code("E0406", "a value is used where its definition does not reach")
WRONG_SYMBOL = Code("E0407", "a symbol is unknown or defined twice")
WRONG_PLACE = Code("E0408", "an op stands where it cannot")
SHAPE_MISMATCH = Code("E0409", "shapes or element types do not agree")
NO_ROUNDTRIP = Code("E0410", "a module does not read back as it was printed")

PIPELINE_SYNTAX = Code("E0501", "a pipeline that cannot be read")
UNKNOWN_PASS = Code("E0502", "unknown pass")
UNKNOWN_OPTION = Code("E0503", "unknown option of a pass")
OPTION_VALUE = Code("E0504", "an option of a pass has a wrong value or none")
WRONG_ANCHOR = Code("E0505", "a pipeline is for another kind of op")
NO_REPRODUCER = Code("E0506", "a file carries no pipeline")
MEANING_CHANGED = Code("E0507", "a pass changed what the program computes")
PIPELINE_FAILED = Code("E0508", "a pipeline failed")
DIAGNOSTICS_DIFFER = Code("E0509", "diagnostics differ from what the file expects")
NOT_INTERESTING = Code("E0510", "there is nothing to reduce")

CANNOT_LOWER = Code("E0601", "an op has no form at the next stop")
WRONG_STOP = Code("E0602", "a pass is run before the one that it needs")
REFUSED_STEP = Code("E0603", "a schedule step cannot be applied")
UNSUPPORTED_TYPE = Code("E0604", "no code can be made for a type")
UNSUPPORTED_LAYOUT = Code("E0605", "no code can be made for a layout of memory")
RECURSIVE_CALL = Code("E0606", "functions call each other in a circle")
NO_BODY = Code("E0607", "a function without a body is called")
UNKNOWN_SIZE = Code("E0608", "a size that is needed cannot be known")
NO_GRADIENT = Code("E0609", "a gradient is asked for where there is none")
TARGET_LACKS = Code("E0610", "the target has no such instruction")

NO_ENTRY = Code("E0701", "no function to call")
WRONG_ARGUMENTS = Code("E0702", "arguments are missing, unknown or too many")
WRONG_ARGUMENT = Code("E0703", "an argument does not fit its type")
WRONG_OUT = Code("E0704", "out= does not fit the results")
CHECK_FAILED = Code("E0705", "a check failed while the program ran")
BAD_INPUT = Code("E0706", "no value can be made of an input")
UNKNOWN_TARGET = Code("E0707", "unknown target")
OUT_OF_BOUNDS = Code("E0708", "an index or size is out of bounds")
OUT_OF_MEMORY = Code("E0709", "out of memory")
NO_DEVICE = Code("E0710", "there is no GPU to run on")
DEVICE_FAILED = Code("E0711", "a GPU or its driver reports an error")
BAD_LAUNCH = Code("E0712", "a launch that the device refuses")
DEADLOCK = Code("E0713", "threads wait for each other")
GPU_FINDING = Code("E0714", "the checker of GPU code found an error")

CANNOT_READ = Code("E0801", "a file cannot be read")
CANNOT_WRITE = Code("E0802", "a file cannot be written")
COMMAND_LINE = Code("E0803", "a command line that is not understood")
MISSING_PACKAGE = Code("E0804", "a Python package is missing")
NOTHING_KNOWN = Code("E0805", "nothing has this name")
SYSTEM = Code("E0806", "the operating system refused")
BAD_PLUGIN = Code("E0807", "a plug-in cannot be loaded")
NAME_TAKEN = Code("E0808", "the name is taken")
CANNOT_LINK = Code("E0809", "a library cannot be linked")
CANNOT_LOAD = Code("E0810", "a library cannot be loaded")
BAD_DATA = Code("E0811", "a data file does not hold what the program wants")

INTERNAL = Code("E0901", "a bug of weft")

CODES: dict[str, Code] = {value.name: value for value in list(globals().values()) if isinstance(value, Code)}
"""Every code, by its name, in order."""
