// A layer of a network: relu(x @ w + b). docs/tour.md follows it down to machine code.
func.func @main(%x: tensor<?x784xf32>, %w: tensor<784x512xf32>, %b: tensor<512xf32>) -> tensor<?x512xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x784xf32>
  %xw = ml.matmul %x, %w : (tensor<?x784xf32>, tensor<784x512xf32>) -> tensor<?x512xf32>
  %bias = ml.broadcast_in_dim %b, dims = [1], sizes(%n) : tensor<512xf32> to tensor<?x512xf32>
  %sum = ml.add %xw, %bias : tensor<?x512xf32>
  %y = ml.relu %sum : tensor<?x512xf32>
  func.return %y : tensor<?x512xf32>
}
