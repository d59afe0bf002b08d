// Learns to read handwritten digits: trains the network of digits.mlir (64-128-64-10) from random weights by gradient
// descent, then counts how often it is right on images that it was not trained on.
//
//   weft run examples/train_digits.mlir
//
// Nobody wrote the gradient: @gradient is declared as that of @loss, and weft makes it. The images (from the UCI set of
// handwritten digits) are in digits_training.npz, made by train_digits.py.

func.func @main(
    %images: tensor<?x64xui8> {weft.input = "digits_training.npz:images"},
    %labels: tensor<?xi32> {weft.input = "digits_training.npz:labels"},
    %new_images: tensor<?x64xui8> {weft.input = "digits.npz:images"},
    %new_labels: tensor<?xi32> {weft.input = "digits.npz:labels"})
    -> (tensor<f32> {weft.name = "loss"}, tensor<f32> {weft.name = "accuracy"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32

  // random weights, no biases
  %seed1 = ml.constant dense<21> : tensor<ui32>
  %inputs1 = arith.constant 64.0 : f32
  %count1 = arith.constant 8192 : index
  %random1 = func.call @random(%seed1, %inputs1, %count1) : (tensor<ui32>, f32, index) -> tensor<?xf32>
  %w1 = ml.reshape %random1 : tensor<?xf32> to tensor<64x128xf32>
  %b1 = tensor.splat %zero : tensor<128xf32>
  %seed2 = ml.constant dense<22> : tensor<ui32>
  %inputs2 = arith.constant 128.0 : f32
  %count2 = arith.constant 8192 : index
  %random2 = func.call @random(%seed2, %inputs2, %count2) : (tensor<ui32>, f32, index) -> tensor<?xf32>
  %w2 = ml.reshape %random2 : tensor<?xf32> to tensor<128x64xf32>
  %b2 = tensor.splat %zero : tensor<64xf32>
  %seed3 = ml.constant dense<23> : tensor<ui32>
  %inputs3 = arith.constant 64.0 : f32
  %count3 = arith.constant 640 : index
  %random3 = func.call @random(%seed3, %inputs3, %count3) : (tensor<ui32>, f32, index) -> tensor<?xf32>
  %w3 = ml.reshape %random3 : tensor<?xf32> to tensor<64x10xf32>
  %b3 = tensor.splat %zero : tensor<10xf32>

  // each step looks at 64 images, and goes the faster the more steps are left
  %x = func.call @pixels(%images) : (tensor<?x64xui8>) -> tensor<?x64xf32>
  %n = tensor.dim %labels, %c0 : tensor<?xi32>
  %steps = arith.constant 2000 : index
  %batch = arith.constant 64 : index
  %last = arith.subi %n, %batch : index
  %rate = arith.constant 0.5 : f32
  %slower = arith.constant 0.00025 : f32
  %first = ml.constant dense<0.0> : tensor<f32>
  %loss, %v1, %a1, %v2, %a2, %v3, %a3, %final = scf.for %k = %c0 to %steps step %c1
      iter_args(%before = %first, %p1 = %w1, %q1 = %b1, %p2 = %w2, %q2 = %b2, %p3 = %w3, %q3 = %b3, %speed = %rate)
      -> (tensor<f32>, tensor<64x128xf32>, tensor<128xf32>, tensor<128x64xf32>, tensor<64xf32>,
          tensor<64x10xf32>, tensor<10xf32>, f32) {
    %passed = arith.muli %k, %batch : index
    %start = arith.remui %passed, %last : index
    %some = tensor.extract_slice %x[%start, 0] [64, 64] [1, 1] : tensor<?x64xf32> to tensor<64x64xf32>
    %right = tensor.extract_slice %labels[%start] [64] [1] : tensor<?xi32> to tensor<64xi32>
    %bx = tensor.cast %some : tensor<64x64xf32> to tensor<?x64xf32>
    %bl = tensor.cast %right : tensor<64xi32> to tensor<?xi32>
    %l, %g1, %h1, %g2, %h2, %g3, %h3 = func.call @gradient(%p1, %q1, %p2, %q2, %p3, %q3, %bx, %bl)
        : (tensor<64x128xf32>, tensor<128xf32>, tensor<128x64xf32>, tensor<64xf32>,
           tensor<64x10xf32>, tensor<10xf32>, tensor<?x64xf32>, tensor<?xi32>)
        -> (tensor<f32>, tensor<64x128xf32>, tensor<128xf32>, tensor<128x64xf32>, tensor<64xf32>,
            tensor<64x10xf32>, tensor<10xf32>)
    %p1r = tensor.splat %speed : tensor<64x128xf32>
    %p1d = ml.mul %p1r, %g1 : tensor<64x128xf32>
    %p1n = ml.sub %p1, %p1d : tensor<64x128xf32>
    %q1r = tensor.splat %speed : tensor<128xf32>
    %q1d = ml.mul %q1r, %h1 : tensor<128xf32>
    %q1n = ml.sub %q1, %q1d : tensor<128xf32>
    %p2r = tensor.splat %speed : tensor<128x64xf32>
    %p2d = ml.mul %p2r, %g2 : tensor<128x64xf32>
    %p2n = ml.sub %p2, %p2d : tensor<128x64xf32>
    %q2r = tensor.splat %speed : tensor<64xf32>
    %q2d = ml.mul %q2r, %h2 : tensor<64xf32>
    %q2n = ml.sub %q2, %q2d : tensor<64xf32>
    %p3r = tensor.splat %speed : tensor<64x10xf32>
    %p3d = ml.mul %p3r, %g3 : tensor<64x10xf32>
    %p3n = ml.sub %p3, %p3d : tensor<64x10xf32>
    %q3r = tensor.splat %speed : tensor<10xf32>
    %q3d = ml.mul %q3r, %h3 : tensor<10xf32>
    %q3n = ml.sub %q3, %q3d : tensor<10xf32>
    %next = arith.subf %speed, %slower : f32
    scf.yield %l, %p1n, %q1n, %p2n, %q2n, %p3n, %q3n, %next
        : tensor<f32>, tensor<64x128xf32>, tensor<128xf32>, tensor<128x64xf32>, tensor<64xf32>,
          tensor<64x10xf32>, tensor<10xf32>, f32
  }

  // accuracy = mean(argmax(scores) == labels), on the new images
  %new = func.call @pixels(%new_images) : (tensor<?x64xui8>) -> tensor<?x64xf32>
  %scores = func.call @scores(%new, %v1, %a1, %v2, %a2, %v3, %a3)
      : (tensor<?x64xf32>, tensor<64x128xf32>, tensor<128xf32>, tensor<128x64xf32>, tensor<64xf32>, tensor<64x10xf32>,
         tensor<10xf32>) -> tensor<?x10xf32>
  %digits = ml.argmax %scores, dim = 1 : tensor<?x10xf32> to tensor<?xi32>
  %same = ml.compare EQ, %digits, %new_labels : tensor<?xi32>
  %hits = ml.convert %same : tensor<?xi1> to tensor<?xf32>
  %sum = ml.reduce add %hits, dims = [0] : tensor<?xf32> to tensor<f32>
  %count = ml.get_dimension_size %new_labels, dim = 0 : tensor<?xi32> to tensor<i32>
  %total = ml.convert %count : tensor<i32> to tensor<f32>
  %accuracy = ml.div %sum, %total : tensor<f32>
  func.return %loss, %accuracy : tensor<f32>, tensor<f32>
}

// pixels are 0 to 16
func.func private @pixels(%images: tensor<?x64xui8>) -> tensor<?x64xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %images, %c0 : tensor<?x64xui8>
  %sixteenth = arith.constant 0.0625 : f32
  %scale = tensor.splat %sixteenth[%n] : tensor<?x64xf32>
  %numbers = ml.convert %images : tensor<?x64xui8> to tensor<?x64xf32>
  %pixels = ml.mul %numbers, %scale : tensor<?x64xf32>
  func.return %pixels : tensor<?x64xf32>
}

// the scores of the ten digits for each image
func.func private @scores(
    %x: tensor<?x64xf32>, %w1: tensor<64x128xf32>, %b1: tensor<128xf32>, %w2: tensor<128x64xf32>, %b2: tensor<64xf32>,
    %w3: tensor<64x10xf32>, %b3: tensor<10xf32>) -> tensor<?x10xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x64xf32>

  %p1 = ml.matmul %x, %w1 : (tensor<?x64xf32>, tensor<64x128xf32>) -> tensor<?x128xf32>
  %c1 = ml.broadcast_in_dim %b1, dims = [1], sizes(%n) : tensor<128xf32> to tensor<?x128xf32>
  %s1 = ml.add %p1, %c1 : tensor<?x128xf32>
  %h1 = ml.relu %s1 : tensor<?x128xf32>

  %p2 = ml.matmul %h1, %w2 : (tensor<?x128xf32>, tensor<128x64xf32>) -> tensor<?x64xf32>
  %c2 = ml.broadcast_in_dim %b2, dims = [1], sizes(%n) : tensor<64xf32> to tensor<?x64xf32>
  %s2 = ml.add %p2, %c2 : tensor<?x64xf32>
  %h2 = ml.relu %s2 : tensor<?x64xf32>

  %p3 = ml.matmul %h2, %w3 : (tensor<?x64xf32>, tensor<64x10xf32>) -> tensor<?x10xf32>
  %c3 = ml.broadcast_in_dim %b3, dims = [1], sizes(%n) : tensor<10xf32> to tensor<?x10xf32>
  %s3 = ml.add %p3, %c3 : tensor<?x10xf32>
  func.return %s3 : tensor<?x10xf32>
}

// the mean cross entropy of the scores and the right digits
func.func private @loss(
    %w1: tensor<64x128xf32>, %b1: tensor<128xf32>, %w2: tensor<128x64xf32>, %b2: tensor<64xf32>,
    %w3: tensor<64x10xf32>, %b3: tensor<10xf32>, %x: tensor<?x64xf32>, %labels: tensor<?xi32>) -> tensor<f32> {
  %scores = func.call @scores(%x, %w1, %b1, %w2, %b2, %w3, %b3)
      : (tensor<?x64xf32>, tensor<64x128xf32>, tensor<128xf32>, tensor<128x64xf32>, tensor<64xf32>, tensor<64x10xf32>,
         tensor<10xf32>) -> tensor<?x10xf32>
  %loss = ml.cross_entropy %scores, %labels, reduction = mean : (tensor<?x10xf32>, tensor<?xi32>) -> tensor<f32>
  func.return %loss : tensor<f32>
}

// the loss, and its gradients in the weights and biases
func.func private @gradient(
    tensor<64x128xf32>, tensor<128xf32>, tensor<128x64xf32>, tensor<64xf32>, tensor<64x10xf32>, tensor<10xf32>,
    tensor<?x64xf32>, tensor<?xi32>)
    -> (tensor<f32>, tensor<64x128xf32>, tensor<128xf32>, tensor<128x64xf32>, tensor<64xf32>, tensor<64x10xf32>,
        tensor<10xf32>)
    attributes {weft.gradient = @loss, weft.wrt = array<i64: 0, 1, 2, 3, 4, 5>}

// random weights for a layer with that many inputs: uniform, with variance 2 / inputs
func.func private @random(%seed: tensor<ui32>, %inputs: f32, %count: index) -> tensor<?xf32> {
  // a number for each weight, its bits mixed by multiplications and shifts
  %i = ml.iota dim = 0, sizes(%count) : tensor<?xui32>
  %s = ml.broadcast_in_dim %seed, dims = [], sizes(%count) : tensor<ui32> to tensor<?xui32>
  %0 = ml.add %i, %s : tensor<?xui32>
  %1 = func.call @mix(%0) : (tensor<?xui32>) -> tensor<?xui32>
  %2 = func.call @mix(%1) : (tensor<?xui32>) -> tensor<?xui32>

  // from 0 .. 2^32 to -limit .. limit
  %three = arith.constant 6.0 : f32
  %square = arith.divf %three, %inputs : f32
  %root = math.sqrt %square : f32
  %half = arith.constant 4.656612873077393e-10 : f32
  %step = arith.mulf %root, %half : f32
  %numbers = ml.convert %2 : tensor<?xui32> to tensor<?xf32>
  %steps = tensor.splat %step[%count] : tensor<?xf32>
  %limits = tensor.splat %root[%count] : tensor<?xf32>
  %spread = ml.mul %numbers, %steps : tensor<?xf32>
  %weights = ml.sub %spread, %limits : tensor<?xf32>
  func.return %weights : tensor<?xf32>
}

func.func private @mix(%x: tensor<?xui32>) -> tensor<?xui32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xui32>
  %shift = ml.constant dense<16> : tensor<ui32>
  %factor = ml.constant dense<73244475> : tensor<ui32>
  %shifts = ml.broadcast_in_dim %shift, dims = [], sizes(%n) : tensor<ui32> to tensor<?xui32>
  %factors = ml.broadcast_in_dim %factor, dims = [], sizes(%n) : tensor<ui32> to tensor<?xui32>
  %0 = ml.shift_right_logical %x, %shifts : tensor<?xui32>
  %1 = ml.xor %0, %x : tensor<?xui32>
  %2 = ml.mul %1, %factors : tensor<?xui32>
  func.return %2 : tensor<?xui32>
}
