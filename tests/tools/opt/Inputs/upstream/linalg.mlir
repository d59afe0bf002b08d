#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
func.func @generic(%a: memref<4x8xf32>, %b: memref<4xf32>, %t: tensor<4x8xf32>, %u: tensor<4xf32>) -> tensor<4xf32> {
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%a : memref<4x8xf32>) outs(%b : memref<4xf32>) {
  ^bb0(%x: f32, %y: f32):
    %i = linalg.index 1 : index
    %0 = arith.addf %x, %y : f32
    linalg.yield %0 : f32
  }
  %r = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%t : tensor<4x8xf32>) outs(%u : tensor<4xf32>) attrs = {tag.x} {
  ^bb0(%x: f32, %y: f32):
    %0 = arith.addf %x, %y : f32
    linalg.yield %0 : f32
  } -> tensor<4xf32>
  return %r : tensor<4xf32>
}
// -----
func.func @named(%x: f32, %a: tensor<4x8xf32>, %b: tensor<8x2xf32>, %c: tensor<4x2xf32>, %m: memref<4x8xf32>, %v: tensor<4xf32>, %p: tensor<4x8xi1>, %q: tensor<4x8xi8>, %r: tensor<8x2xi8>, %z: i32, %s: tensor<4x2xi32>, %w: tensor<8x4xf32>) {
  %0 = linalg.fill ins(%x : f32) outs(%a : tensor<4x8xf32>) -> tensor<4x8xf32>
  linalg.fill ins(%x : f32) outs(%m : memref<4x8xf32>)
  %1 = linalg.matmul ins(%a, %b : tensor<4x8xf32>, tensor<8x2xf32>) outs(%c : tensor<4x2xf32>) -> tensor<4x2xf32>
  %2 = linalg.add ins(%a, %a : tensor<4x8xf32>, tensor<4x8xf32>) outs(%a : tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = linalg.sub ins(%a, %a : tensor<4x8xf32>, tensor<4x8xf32>) outs(%a : tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = linalg.mul ins(%a, %a : tensor<4x8xf32>, tensor<4x8xf32>) outs(%a : tensor<4x8xf32>) -> tensor<4x8xf32>
  %5 = linalg.max ins(%a, %a : tensor<4x8xf32>, tensor<4x8xf32>) outs(%a : tensor<4x8xf32>) -> tensor<4x8xf32>
  %6 = linalg.min ins(%a, %a : tensor<4x8xf32>, tensor<4x8xf32>) outs(%a : tensor<4x8xf32>) -> tensor<4x8xf32>
  %7 = linalg.exp ins(%a : tensor<4x8xf32>) outs(%a : tensor<4x8xf32>) -> tensor<4x8xf32>
  %8 = linalg.log ins(%a : tensor<4x8xf32>) outs(%a : tensor<4x8xf32>) -> tensor<4x8xf32>
  %9 = linalg.sqrt ins(%a : tensor<4x8xf32>) outs(%a : tensor<4x8xf32>) -> tensor<4x8xf32>
  %10 = linalg.copy ins(%a : tensor<4x8xf32>) outs(%a : tensor<4x8xf32>) -> tensor<4x8xf32>
  %11 = linalg.select ins(%p, %a, %a : tensor<4x8xi1>, tensor<4x8xf32>, tensor<4x8xf32>) outs(%a : tensor<4x8xf32>) -> tensor<4x8xf32>
  %12 = linalg.quantized_matmul ins(%q, %r, %z, %z : tensor<4x8xi8>, tensor<8x2xi8>, i32, i32) outs(%s : tensor<4x2xi32>) -> tensor<4x2xi32>
  %13 = linalg.transpose ins(%a : tensor<4x8xf32>) outs(%w : tensor<8x4xf32>) permutation = [1, 0]
  %14 = linalg.broadcast ins(%v : tensor<4xf32>) outs(%a : tensor<4x8xf32>) dimensions = [1]
  %15 = linalg.reduce ins(%a : tensor<4x8xf32>) outs(%v : tensor<4xf32>) dimensions = [1]
    (%e: f32, %f: f32) {
      %16 = arith.addf %e, %f : f32
      linalg.yield %16 : f32
    }
  return
}
// -----
func.func @convolutions(%a: tensor<1x3x8x8xf32>, %k: tensor<4x3x3x3xf32>, %o: tensor<1x4x6x6xf32>, %b: tensor<1x8x8x3xf32>, %h: tensor<3x3x3x4xf32>, %p: tensor<1x6x6x4xf32>, %f: tensor<4x3x3x3xf32>, %w: tensor<3x3xf32>, %q: tensor<1x3x6x6xf32>, %g: tensor<1x2x3x8x8xf32>, %gk: tensor<4x2x3x3x3xf32>, %gk2: tensor<2x4x3x3x3xf32>, %go: tensor<1x2x4x6x6xf32>) {
  %0 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%a, %k : tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) outs(%o : tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
  %1 = linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%b, %h : tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32>) outs(%p : tensor<1x6x6x4xf32>) -> tensor<1x6x6x4xf32>
  %2 = linalg.conv_2d_nhwc_fhwc {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%b, %f : tensor<1x8x8x3xf32>, tensor<4x3x3x3xf32>) outs(%p : tensor<1x6x6x4xf32>) -> tensor<1x6x6x4xf32>
  %3 = linalg.pooling_nchw_max {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%a, %w : tensor<1x3x8x8xf32>, tensor<3x3xf32>) outs(%q : tensor<1x3x6x6xf32>) -> tensor<1x3x6x6xf32>
  %4 = linalg.conv_2d_ngchw_fgchw {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%g, %gk : tensor<1x2x3x8x8xf32>, tensor<4x2x3x3x3xf32>) outs(%go : tensor<1x2x4x6x6xf32>) -> tensor<1x2x4x6x6xf32>
  %5 = linalg.conv_2d_ngchw_gfchw {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%g, %gk2 : tensor<1x2x3x8x8xf32>, tensor<2x4x3x3x3xf32>) outs(%go : tensor<1x2x4x6x6xf32>) -> tensor<1x2x4x6x6xf32>
  return
}
