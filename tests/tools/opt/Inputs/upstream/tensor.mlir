func.func @tensors(%t: tensor<4x8xf32>, %d: tensor<?x?xf32>, %i: index, %n: index, %x: f32, %shape: tensor<2xindex>, %u: tensor<*xf32>) {
  %0 = tensor.cast %t : tensor<4x8xf32> to tensor<?x8xf32>
  %1 = tensor.collapse_shape %t [[0, 1]] : tensor<4x8xf32> into tensor<32xf32>
  %2 = tensor.concat dim(0) %t, %t : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<8x8xf32>
  %3 = tensor.dim %d, %i : tensor<?x?xf32>
  %4 = tensor.empty() : tensor<2xf32>
  %5 = tensor.empty(%n) : tensor<?x2xf32>
  %6 = tensor.expand_shape %1 [[0, 1]] output_shape [4, 8] : tensor<32xf32> into tensor<4x8xf32>
  %7 = tensor.expand_shape %1 [[0, 1, 2]] output_shape [4, 4, 2] : tensor<32xf32> into tensor<4x4x2xf32>
  %8 = tensor.extract %t[%i, %i] : tensor<4x8xf32>
  %9 = tensor.extract_slice %t[0, 1] [2, 4] [1, 2] : tensor<4x8xf32> to tensor<2x4xf32>
  %10 = tensor.extract_slice %d[%i, 0] [%n, 4] [1, 1] : tensor<?x?xf32> to tensor<?x4xf32>
  %11 = tensor.extract_slice %t[0, 0] [1, 8] [1, 1] : tensor<4x8xf32> to tensor<8xf32>
  %12 = tensor.from_elements %x, %x, %x, %x : tensor<2x2xf32>
  %13 = tensor.insert %x into %t[%i, %i] : tensor<4x8xf32>
  %14 = tensor.insert_slice %9 into %t[0, %i] [2, 4] [1, 1] : tensor<2x4xf32> into tensor<4x8xf32>
  %15 = tensor.pad %t low[1, %i] high[0, 2] {
  ^bb0(%a: index, %b: index):
    tensor.yield %x : f32
  } : tensor<4x8xf32> to tensor<5x?xf32>
  %16 = tensor.reshape %t(%shape) : (tensor<4x8xf32>, tensor<2xindex>) -> tensor<8x4xf32>
  %17 = tensor.splat %x : tensor<3xf32>
  return
}
