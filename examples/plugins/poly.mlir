// A dialect that weft does not have: polynomials, from the plug-in poly.py beside this file.
//   weft run --load-dialect-plugin=examples/plugins/poly.py examples/plugins/poly.mlir --input '3xf64=2'
func.func @main(%x: tensor<?xf64>) -> tensor<?xf64> {
  %p = poly.literal 3 x^2 + -1.5 x^1 + 0.5 : !poly.of<2>
  %y = poly.eval %p at %x : !poly.of<2>, tensor<?xf64>
  func.return %y : tensor<?xf64>
}
