// Reads handwritten digits: a network of three layers (64-128-64-10) looks at 8x8 images that it was not trained on,
// names the digit in each, and counts how often it is right.
//
//   weft run examples/digits.mlir
//
// The images (from the UCI set of handwritten digits), their labels and the weights are in digits.npz; train_digits.py
// made that file. The number of images is not known to the compiler: `?`.

func.func @main(
    %images: tensor<?x64xui8> {weft.input = "digits.npz:images"},
    %labels: tensor<?xi32> {weft.input = "digits.npz:labels"},
    %w1: tensor<64x128xf32> {weft.input = "digits.npz:w1"},
    %b1: tensor<128xf32> {weft.input = "digits.npz:b1"},
    %w2: tensor<128x64xf32> {weft.input = "digits.npz:w2"},
    %b2: tensor<64xf32> {weft.input = "digits.npz:b2"},
    %w3: tensor<64x10xf32> {weft.input = "digits.npz:w3"},
    %b3: tensor<10xf32> {weft.input = "digits.npz:b3"})
    -> (tensor<?xi32> {weft.name = "digits"}, tensor<f32> {weft.name = "accuracy"}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %images, %c0 : tensor<?x64xui8>

  // pixels are 0 to 16
  %pixels = ml.convert %images : tensor<?x64xui8> to tensor<?x64xf32>
  %sixteenth = ml.constant dense<0.0625> : tensor<f32>
  %scale = ml.broadcast_in_dim %sixteenth, dims = [], sizes(%n) : tensor<f32> to tensor<?x64xf32>
  %x = ml.mul %pixels, %scale : tensor<?x64xf32>

  // two hidden layers: relu(x @ w + b)
  %p1 = ml.matmul %x, %w1 : (tensor<?x64xf32>, tensor<64x128xf32>) -> tensor<?x128xf32>
  %c1 = ml.broadcast_in_dim %b1, dims = [1], sizes(%n) : tensor<128xf32> to tensor<?x128xf32>
  %s1 = ml.add %p1, %c1 : tensor<?x128xf32>
  %h1 = ml.relu %s1 : tensor<?x128xf32>

  %p2 = ml.matmul %h1, %w2 : (tensor<?x128xf32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %c2 = ml.broadcast_in_dim %b2, dims = [1], sizes(%n) : tensor<64xf32> to tensor<?x64xf32>
  %s2 = ml.add %p2, %c2 : tensor<?x64xf32>
  %h2 = ml.relu %s2 : tensor<?x64xf32>

  // the scores of the ten digits; the highest wins
  %p3 = ml.matmul %h2, %w3 : (tensor<?x64xf32>, tensor<64x10xf32>) -> tensor<?x10xf32>
  %c3 = ml.broadcast_in_dim %b3, dims = [1], sizes(%n) : tensor<10xf32> to tensor<?x10xf32>
  %scores = ml.add %p3, %c3 : tensor<?x10xf32>
  %digits = ml.argmax %scores, dim = 1 : tensor<?x10xf32> to tensor<?xi32>

  // accuracy = mean(digits == labels)
  %same = ml.compare EQ, %digits, %labels : tensor<?xi32>
  %hits = ml.convert %same : tensor<?xi1> to tensor<?xf32>
  %sum = ml.reduce add %hits, dims = [0] : tensor<?xf32> to tensor<f32>
  %count = ml.get_dimension_size %images, dim = 0 : tensor<?x64xui8> to tensor<i32>
  %total = ml.convert %count : tensor<i32> to tensor<f32>
  %accuracy = ml.div %sum, %total : tensor<f32>
  func.return %digits, %accuracy : tensor<?xi32>, tensor<f32>
}
