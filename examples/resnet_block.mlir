// A residual block, as in ResNet: relu(x + bn(conv(relu(bn(conv(x)))))). Two images of 10 x 14 go through it, a disc and a
// rectangle. The weights are set by hand: the first convolution and its normalization keep a point only where its neighbours
// left and right (channel 0), or above and below (channel 1), are set too; the second ones turn the sign. So what the sum with
// the input leaves are the edges, and both channels together are the outline of each shape.
//
//   weft run examples/resnet_block.mlir

func.func @main() -> (tensor<2x10x14xi32> {weft.name = "shapes"}, tensor<2x10x14xi32> {weft.name = "outlines"}) {
  %shapes = func.call @shapes() : () -> tensor<2x10x14xi32>
  %bright = ml.convert %shapes : tensor<2x10x14xi32> to tensor<2x10x14xf32>
  %x = ml.broadcast_in_dim %bright, dims = [0, 1, 2] : tensor<2x10x14xf32> to tensor<2x10x14x2xf32>
  %edges = func.call @block(%x) : (tensor<2x10x14x2xf32>) -> tensor<2x10x14x2xf32>
  %both = ml.reduce max %edges, dims = [3] : tensor<2x10x14x2xf32> to tensor<2x10x14xf32>
  %outlines = ml.convert %both : tensor<2x10x14xf32> to tensor<2x10x14xi32>
  func.return %shapes, %outlines : tensor<2x10x14xi32>, tensor<2x10x14xi32>
}

// images as [batch, height, width, channel], windows as [height, width, input, output]
func.func private @block(%x: tensor<2x10x14x2xf32>) -> tensor<2x10x14x2xf32> {
  %w1 = ml.constant dense<[[[[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]],
                           [[[1.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 0.0]]],
                           [[[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]]]>
      : tensor<3x3x2x2xf32>
  %w2 = ml.constant dense<[[[[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]],
                           [[[0.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]],
                           [[[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]]>
      : tensor<3x3x2x2xf32>
  %zero = ml.constant dense<0.0> : tensor<2xf32>
  %one = ml.constant dense<1.0> : tensor<2xf32>
  %minus = ml.constant dense<-1.0> : tensor<2xf32>
  %two = ml.constant dense<2.0> : tensor<2xf32>

  %c1 = ml.convolution %x, %w1, dims = [b, 0, 1, f] x [0, 1, i, o] -> [b, 0, 1, f], pad = [[1, 1], [1, 1]]
      : (tensor<2x10x14x2xf32>, tensor<3x3x2x2xf32>) -> tensor<2x10x14x2xf32>
  %n1 = ml.batch_norm_inference %c1, %one, %zero, %two, %one, feature_index = 3, epsilon = 0.000000e+00
      : (tensor<2x10x14x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x10x14x2xf32>
  %r1 = ml.relu %n1 : tensor<2x10x14x2xf32>

  %c2 = ml.convolution %r1, %w2, dims = [b, 0, 1, f] x [0, 1, i, o] -> [b, 0, 1, f], pad = [[1, 1], [1, 1]]
      : (tensor<2x10x14x2xf32>, tensor<3x3x2x2xf32>) -> tensor<2x10x14x2xf32>
  %n2 = ml.batch_norm_inference %c2, %minus, %zero, %zero, %one, feature_index = 3, epsilon = 0.000000e+00
      : (tensor<2x10x14x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2x10x14x2xf32>
  %sum = ml.add %x, %n2 : tensor<2x10x14x2xf32>
  %y = ml.relu %sum : tensor<2x10x14x2xf32>
  func.return %y : tensor<2x10x14x2xf32>
}

// a disc, where d = (2i - 9)^2 + (2j - 13)^2 <= 81, and a rectangle, where max(|2i - 9| + 4, |2j - 13|) <= 9
func.func private @shapes() -> tensor<2x10x14xi32> {
  %i = ml.iota dim = 0 : tensor<10x14xi32>
  %j = ml.iota dim = 1 : tensor<10x14xi32>
  %nine = ml.constant dense<9> : tensor<10x14xi32>
  %thirteen = ml.constant dense<13> : tensor<10x14xi32>
  %four = ml.constant dense<4> : tensor<10x14xi32>
  %ii = ml.add %i, %i : tensor<10x14xi32>
  %jj = ml.add %j, %j : tensor<10x14xi32>
  %up = ml.sub %ii, %nine : tensor<10x14xi32>
  %across = ml.sub %jj, %thirteen : tensor<10x14xi32>

  %up2 = ml.mul %up, %up : tensor<10x14xi32>
  %across2 = ml.mul %across, %across : tensor<10x14xi32>
  %d = ml.add %up2, %across2 : tensor<10x14xi32>
  %most = ml.mul %nine, %nine : tensor<10x14xi32>
  %disc = ml.compare LE, %d, %most : tensor<10x14xi32>

  %height = ml.abs %up : tensor<10x14xi32>
  %width = ml.abs %across : tensor<10x14xi32>
  %higher = ml.add %height, %four : tensor<10x14xi32>
  %far = ml.max %higher, %width : tensor<10x14xi32>
  %rectangle = ml.compare LE, %far, %nine : tensor<10x14xi32>

  %a = ml.reshape %disc : tensor<10x14xi1> to tensor<1x10x14xi1>
  %b = ml.reshape %rectangle : tensor<10x14xi1> to tensor<1x10x14xi1>
  %both = ml.concatenate(%a, %b), dim = 0 : (tensor<1x10x14xi1>, tensor<1x10x14xi1>) -> tensor<2x10x14xi1>
  %shapes = ml.convert %both : tensor<2x10x14xi1> to tensor<2x10x14xi32>
  func.return %shapes : tensor<2x10x14xi32>
}
