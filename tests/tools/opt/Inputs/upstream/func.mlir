module @named attributes {tag.a = 1 : i32} {
  func.func private @declared(i32, tensor<?xf32>) -> (i32, f32)
  func.func private @nothing()
  func.func public @marked(%a: i32 {tag.first}, %b: f32 {tag.second = "x"}) -> (i32 {tag.out}) attributes {tag.f} {
    %r:2 = call @two(%a, %b) : (i32, f32) -> (i32, f32)
    return %r#0 : i32
  }
  func.func @two(%a: i32, %b: f32) -> (i32, f32) {
    func.return %a, %b : i32, f32
  }
  func.func @casts(%a: i32) -> i64 {
    %0 = builtin.unrealized_conversion_cast %a : i32 to i64
    %1:2 = builtin.unrealized_conversion_cast %0 : i64 to i32, i32
    builtin.unrealized_conversion_cast to i32
    return %0 : i64
  }
  module @inner {
    func.func @nothing() {
      return
    }
  }
}
// -----
func.func @attributes() attributes {
  tag.unit, tag.i = 3 : i8, tag.index = 4 : index, tag.f = -2.5e+10 : f64, tag.half = 0.5 : f16, tag.s = "a\22b\5C\n",
  tag.array = [1, "x", @sym, [true, false]], tag.dict = {a = 1 : i32, b.c = {}}, tag.symbol = @a::@b,
  tag.type = tensor<*xf32>, tag.function = (i32, memref<?xf32>) -> (f32, index), tag.map = affine_map<(d0)[s0] -> (d0 floordiv 2 + s0 mod 3)>,
  tag.set = affine_set<(d0, d1) : (d0 - d1 >= 0, d0 == 0)>, tag.dense = dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>,
  tag.splat = dense<1.5> : vector<4xf32>, tag.empty = dense<> : tensor<0x3xi32>, tag.bools = dense<[true, false]> : tensor<2xi1>,
  tag.indices = dense<[1, 2]> : tensor<2xindex>, tag.bits = dense<[0x7FC00000, 1.0]> : tensor<2xf32>, tag.i32s = array<i32: 1, 2>,
  tag.none = array<i64>, tag.floats = array<f32: 1.0, 2.5>, tag.flags = array<i1: true, false>,
  tag.strided = strided<[4, ?], offset: 1>, tag.bf = 1.0 : bf16, tag.nan = 0x7FC00000 : f32, tag.inf = 0xFF800000 : f32,
  tag.complex = complex<f32>, tag.tuple = tuple<i32, f32>, tag.none_type = none, tag.si = 3 : si8, tag.ui = 200 : ui8,
  tag.big = 18446744073709551615 : ui64, tag.negative = -9223372036854775808 : i64, tag.tf = f80, tag.q = f128, tag.t = tf32
} {
  return
}
