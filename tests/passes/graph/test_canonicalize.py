import pytest

from tests.passes.graph.harness import body_of, ops_of, passed

# what the function takes and gives; its body; the ops that stay
CASES = {
    "add of -0.0 goes": (
        "tensor<4xf32>",
        "%c = ml.constant dense<-0.0> : tensor<4xf32>\n%r = ml.add %x, %c : tensor<4xf32>",
        [],
    ),
    "add of +0.0 stays, for the operand may be -0.0": (
        "tensor<4xf32>",
        "%c = ml.constant dense<0.0> : tensor<4xf32>\n%r = ml.add %x, %c : tensor<4xf32>",
        ["ml.constant", "ml.add"],
    ),
    "add of 0 goes for integers": (
        "tensor<4xi32>",
        "%c = ml.constant dense<0> : tensor<4xi32>\n%r = ml.add %c, %x : tensor<4xi32>",
        [],
    ),
    "sub of +0.0 goes": (
        "tensor<4xf32>",
        "%c = ml.constant dense<0.0> : tensor<4xf32>\n%r = ml.sub %x, %c : tensor<4xf32>",
        [],
    ),
    "mul by 1 goes": (
        "tensor<4xf16>",
        "%c = ml.constant dense<1.0> : tensor<4xf16>\n%r = ml.mul %c, %x : tensor<4xf16>",
        [],
    ),
    "mul by 0 stays for floats, for 0 times NaN is NaN": (
        "tensor<4xf32>",
        "%c = ml.constant dense<0.0> : tensor<4xf32>\n%r = ml.mul %x, %c : tensor<4xf32>",
        ["ml.constant", "ml.mul"],
    ),
    "mul by 0 is 0 for integers": (
        "tensor<4xi8>",
        "%c = ml.constant dense<0> : tensor<4xi8>\n%r = ml.mul %x, %c : tensor<4xi8>",
        ["ml.constant"],
    ),
    "softmax of one element is 1 where that is finite": (
        "tensor<4x1xf32>",
        "%r = ml.softmax %x, axis = 1 : tensor<4x1xf32>",
        ["ml.constant", "ml.sub", "ml.add"],
    ),
    "softmax of more stays": ("tensor<4x1xf32>", "%r = ml.softmax %x, axis = 0 : tensor<4x1xf32>", ["ml.softmax"]),
    "x - x stays for floats": ("tensor<4xf32>", "%r = ml.sub %x, %x : tensor<4xf32>", ["ml.sub"]),
    "x - x is 0 for integers": ("tensor<4xui8>", "%r = ml.sub %x, %x : tensor<4xui8>", ["ml.constant"]),
    "or with all ones is all ones": (
        "tensor<2xui8>",
        "%c = ml.constant dense<255> : tensor<2xui8>\n%r = ml.or %x, %c : tensor<2xui8>",
        ["ml.constant"],
    ),
    "and with all ones goes": (
        "tensor<2xi8>",
        "%c = ml.constant dense<-1> : tensor<2xi8>\n%r = ml.and %x, %c : tensor<2xi8>",
        [],
    ),
    "neg of neg goes": (
        "tensor<4xf32>",
        "%0 = ml.neg %x : tensor<4xf32>\n%r = ml.neg %0 : tensor<4xf32>",
        [],
    ),
    "abs of neg is abs": (
        "tensor<4xf32>",
        "%0 = ml.neg %x : tensor<4xf32>\n%r = ml.abs %0 : tensor<4xf32>",
        ["ml.abs"],
    ),
    "relu of relu is relu": (
        "tensor<?xf32>",
        "%0 = ml.relu %x : tensor<?xf32>\n%r = ml.relu %0 : tensor<?xf32>",
        ["ml.relu"],
    ),
    "select of a constant goes": (
        "tensor<4xf32>",
        """%p = ml.constant dense<false> : tensor<4xi1>
           %0 = ml.neg %x : tensor<4xf32>
           %r = ml.select %p, %0, %x : tensor<4xi1>, tensor<4xf32>""",
        [],
    ),
    "transposes that cancel go": (
        "tensor<2x3xf32>",
        """%0 = ml.transpose %x, perm = [1, 0] : tensor<2x3xf32> to tensor<3x2xf32>
           %r = ml.transpose %0, perm = [1, 0] : tensor<3x2xf32> to tensor<2x3xf32>""",
        [],
    ),
    "reshapes join": (
        "tensor<2x3xf32>",
        """%0 = ml.reshape %x : tensor<2x3xf32> to tensor<6xf32>
           %1 = ml.reshape %0 : tensor<6xf32> to tensor<3x2xf32>
           %r = ml.reshape %1 : tensor<3x2xf32> to tensor<2x3xf32>""",
        [],
    ),
    "a reshape that checks a size stays": (
        "tensor<?xf32>",
        """%0 = ml.reshape %x : tensor<?xf32> to tensor<6xf32>
           %r = ml.reshape %0 : tensor<6xf32> to tensor<?xf32>""",
        ["ml.reshape", "ml.reshape"],
    ),
    "a slice of all goes": (
        "tensor<?x3xf32>",
        "%r = ml.slice %x [0:?, 0:3] : tensor<?x3xf32> to tensor<?x3xf32>",
        [],
    ),
    "a convert to the same type goes": (
        "tensor<4xbf16>",
        "%r = ml.convert %x : tensor<4xbf16> to tensor<4xbf16>",
        [],
    ),
    "a convert there and back goes where nothing is lost": (
        "tensor<4xbf16>",
        """%0 = ml.convert %x : tensor<4xbf16> to tensor<4xf32>
           %r = ml.convert %0 : tensor<4xf32> to tensor<4xbf16>""",
        [],
    ),
    "a convert there and back stays where something is lost": (
        "tensor<4xf32>",
        """%0 = ml.convert %x : tensor<4xf32> to tensor<4xbf16>
           %r = ml.convert %0 : tensor<4xbf16> to tensor<4xf32>""",
        ["ml.convert", "ml.convert"],
    ),
    "concatenate of one goes": (
        "tensor<4xf32>",
        "%r = ml.concatenate(%x), dim = 0 : (tensor<4xf32>) -> tensor<4xf32>",
        [],
    ),
    "a reduction over nothing goes": (
        "tensor<4xf32>",
        "%r = ml.reduce max %x, dims = [] : tensor<4xf32> to tensor<4xf32>",
        [],
    ),
    "a sum over nothing stays for floats, for -0.0 + 0.0 is 0.0": (
        "tensor<4xf32>",
        "%r = ml.reduce add %x, dims = [] : tensor<4xf32> to tensor<4xf32>",
        ["ml.reduce", "ml.add", "ml.return"],
    ),
    "a reduction over dimensions of one element goes, there and back": (
        "tensor<4x1x1xf32>",
        """%0 = ml.reduce max %x, dims = [1, 2] : tensor<4x1x1xf32> to tensor<4xf32>
           %r = ml.broadcast_in_dim %0, dims = [0] : tensor<4xf32> to tensor<4x1x1xf32>""",
        [],
    ),
    "a sum of one float is that, but for the sign of 0": (
        "tensor<4x1xf32>",
        """%0 = ml.reduce add %x, dims = [1] : tensor<4x1xf32> to tensor<4xf32>
           %r = ml.reshape %0 : tensor<4xf32> to tensor<4x1xf32>""",
        ["ml.reshape", "ml.constant", "ml.add", "ml.reshape"],
    ),
    "a sum of one integer is that": (
        "tensor<1xi8>",
        """%0 = ml.reduce add %x, dims = [0] : tensor<1xi8> to tensor<i8>
           %r = ml.broadcast_in_dim %0, dims = [] : tensor<i8> to tensor<1xi8>""",
        [],
    ),
    "a reduction over more than one element stays": (
        "tensor<1x3xf32>",
        """%0 = ml.reduce min %x, dims = [0, 1] : tensor<1x3xf32> to tensor<f32>
           %r = ml.broadcast_in_dim %0, dims = [] : tensor<f32> to tensor<1x3xf32>""",
        ["ml.reduce", "ml.min", "ml.return", "ml.broadcast_in_dim"],
    ),
    "a reduction of one element from a given start stays": (
        "tensor<1xf32>",
        """%i = ml.constant dense<2.0> : tensor<f32>
           %0 = ml.reduce max %x init %i, dims = [0] : tensor<1xf32> to tensor<f32>
           %r = ml.broadcast_in_dim %0, dims = [] : tensor<f32> to tensor<1xf32>""",
        ["ml.constant", "ml.reduce", "ml.max", "ml.return", "ml.broadcast_in_dim"],
    ),
    "a broadcast of a reshape to more elements stays": (
        "tensor<1x4xf32>",
        """%0 = ml.reshape %x : tensor<1x4xf32> to tensor<4xf32>
           %1 = ml.broadcast_in_dim %0, dims = [1] : tensor<4xf32> to tensor<2x4xf32>
           %r = ml.slice %1 [0:1, 0:4] : tensor<2x4xf32> to tensor<1x4xf32>""",
        ["ml.reshape", "ml.broadcast_in_dim", "ml.slice"],
    ),
    "a cast to less and back goes": (
        "tensor<4xf32>",
        """%0 = tensor.cast %x : tensor<4xf32> to tensor<?xf32>
           %r = tensor.cast %0 : tensor<?xf32> to tensor<4xf32>""",
        [],
    ),
    "a cast that claims a size stays": (
        "tensor<?xf32>",
        """%0 = tensor.cast %x : tensor<?xf32> to tensor<4xf32>
           %r = tensor.cast %0 : tensor<4xf32> to tensor<?xf32>""",
        ["tensor.cast", "tensor.cast"],
    ),
    "what is dead goes": (
        "tensor<4xf32>",
        """%0 = ml.exp %x : tensor<4xf32>
           %1 = ml.exp %0 : tensor<4xf32>
           %r = ml.neg %x : tensor<4xf32>""",
        ["ml.neg"],
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_canonicalize(what):
    type_, body, stays = CASES[what]
    module = passed(f"func.func @main(%x: {type_}) -> {type_} {{\n{body}\nfunc.return %r : {type_}\n}}", "canonicalize")
    assert ops_of(module) == stays


def test_sizes_are_answered_by_types_and_by_the_ops_that_make_them():
    module = passed(
        """
        func.func @main(%x: tensor<?x3xf32>, %y: tensor<?x3xf32>) -> (index, index) {
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          %z = ml.concatenate(%x, %y), dim = 0 : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
          %m = tensor.dim %z, %c0 : tensor<?x3xf32>
          %n = tensor.dim %z, %c1 : tensor<?x3xf32>
          func.return %m, %n : index, index
        }""",
        "canonicalize",
        "cse",
    )
    assert sorted(ops_of(module)) == [
        "arith.addi",
        "arith.constant",
        "arith.constant",
        "tensor.dim",
        "tensor.dim",
    ]


def test_the_patterns_of_xdsl_run_too():
    module = passed(
        """
        func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
          %t = arith.constant true
          %r = scf.if %t -> (tensor<4xf32>) {
            scf.yield %x : tensor<4xf32>
          } else {
            %0 = ml.neg %x : tensor<4xf32>
            scf.yield %0 : tensor<4xf32>
          }
          func.return %r : tensor<4xf32>
        }""",
        "canonicalize",
    )
    assert ops_of(module) == []


def test_a_float_constant_that_would_overflow_is_no_crash():
    text = """
      func.func @main() -> f32 {
        %a = arith.constant 3.0e38 : f32
        %b = arith.mulf %a, %a : f32
        func.return %b : f32
      }"""
    assert "arith.mulf" in ops_of(passed(text, "canonicalize"))
    assert body_of(passed(text, "fold"))[0].endswith("arith.constant 0x7f800000 : f32")


def test_blocks_that_nothing_reaches_go():
    module = passed(
        """
        func.func @main(%x: i32) -> i32 {
          %t = arith.constant true
          cf.cond_br %t, ^a, ^b
        ^a:
          func.return %x : i32
        ^b:
          %y = arith.addi %x, %x : i32
          cf.br ^c(%y : i32)
        ^c(%z: i32):
          cf.br ^c(%z : i32)
        }""",
        "canonicalize",
    )
    assert ops_of(module) == []
