// Functions with every kind of argument and result, for the C program beside this file.
func.func @layer(%x: tensor<?x4xf32>, %w: tensor<4x3xf32>, %b: tensor<3xf32>) -> tensor<?x3xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %0 = ml.matmul %x, %w : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
  %1 = ml.broadcast_in_dim %b, dims = [1], sizes(%n) : tensor<3xf32> to tensor<?x3xf32>
  %2 = ml.add %0, %1 : tensor<?x3xf32>
  func.return %2 : tensor<?x3xf32>
}
func.func @scalars(%flag: i1, %small: i8, %int: i32, %long: i64, %f: f32, %d: f64, %h: f16, %size: index)
    -> (i1, i8, i32 {weft.name = "int"}, i64, f32, f64, f16, index) {
  %true = arith.constant true
  %0 = arith.xori %flag, %true : i1
  %1 = arith.addi %small, %small : i8
  %2 = arith.addi %int, %int : i32
  %3 = arith.addi %long, %long : i64
  %4 = arith.addf %f, %f : f32
  %5 = arith.addf %d, %d : f64
  %6 = arith.addf %h, %h : f16
  %7 = arith.addi %size, %size : index
  func.return %0, %1, %2, %3, %4, %5, %6, %7 : i1, i8, i32, i64, f32, f64, f16, index
}
func.func @halves(%x: tensor<2x2xf16>) -> (tensor<2x2xbf16> {weft.name = "rounded"}, tensor<2x2xi1> {weft.name = "is positive"}) {
  %0 = ml.convert %x : tensor<2x2xf16> to tensor<2x2xbf16>
  %zero = ml.constant dense<0.0> : tensor<2x2xf16>
  %1 = ml.compare GT, %x, %zero : tensor<2x2xf16>
  func.return %0, %1 : tensor<2x2xbf16>, tensor<2x2xi1>
}
func.func @add(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<?xf32> {
  %0 = ml.add %a, %b : tensor<?xf32>
  func.return %0 : tensor<?xf32>
}
func.func @double(%m: memref<2x?xf32, strided<[?, 2], offset: ?>>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %n = memref.dim %m, %c1 : memref<2x?xf32, strided<[?, 2], offset: ?>>
  scf.for %i = %c0 to %c2 step %c1 {
    scf.for %j = %c0 to %n step %c1 {
      %0 = memref.load %m[%i, %j] : memref<2x?xf32, strided<[?, 2], offset: ?>>
      %1 = arith.addf %0, %0 : f32
      memref.store %1, %m[%i, %j] : memref<2x?xf32, strided<[?, 2], offset: ?>>
    }
  }
  func.return
}
func.func @row(%m: memref<3x4xi32>, %i: index) -> memref<4xi32, strided<[1], offset: ?>> {
  %0 = memref.subview %m[%i, 0] [1, 4] [1, 1] : memref<3x4xi32> to memref<4xi32, strided<[1], offset: ?>>
  func.return %0 : memref<4xi32, strided<[1], offset: ?>>
}
func.func @sum(%big: tensor<512x512xf32>) -> tensor<512xf32> {
  %0 = ml.exp %big : tensor<512x512xf32>
  %1 = ml.reduce add %0, dims = [1] : tensor<512x512xf32> to tensor<512xf32>
  func.return %1 : tensor<512xf32>
}
func.func private @hidden() -> i32 {
  %0 = arith.constant 1 : i32
  func.return %0 : i32
}
