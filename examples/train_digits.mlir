// Learns to read handwritten digits: trains the network of digits.mlir (64-128-64-10) from random weights by gradient
// descent, then counts how often it is right on images that it was not trained on.
//
//   weft run examples/train_digits.mlir
//
// Nobody wrote the gradient: @gradient is declared as that of @loss, and weft makes it. The images (from the UCI set of
// handwritten digits) are in digits_training.npz, made by train_digits.py.
!w1 = tensor<64x128xf32>
!b1 = tensor<128xf32>
!w2 = tensor<128x64xf32>
!b2 = tensor<64xf32>
!w3 = tensor<64x10xf32>
!b3 = tensor<10xf32>

func.func @main(
    %images: tensor<?x64xui8> {weft.input = "digits_training.npz:images"},
    %labels: tensor<?xi32> {weft.input = "digits_training.npz:labels"},
    %new_images: tensor<?x64xui8> {weft.input = "digits.npz:images"},
    %new_labels: tensor<?xi32> {weft.input = "digits.npz:labels"})
    -> (tensor<f32> {weft.name = "loss"}, tensor<f32> {weft.name = "accuracy"}) {
  // random weights from -limit to limit, where limit = sqrt(6 / inputs); no biases
  %seed = ml.constant dense<[3, 3]> : tensor<2xui64>
  %after, %bits = ml.rng_bit_generator THREE_FRY, %seed : tensor<2xui64> to tensor<17024xui32>
  %signed = ml.bitcast_convert %bits : tensor<17024xui32> to tensor<17024xi32>
  %even = ml.convert %signed : tensor<17024xi32> to tensor<17024xf32>
  %e1 = ml.slice %even [0:8192] : tensor<17024xf32> to tensor<8192xf32>
  %f1 = ml.reshape %e1 : tensor<8192xf32> to !w1
  %limit1 = ml.constant dense<1.425790736e-10> : !w1
  %w1 = ml.mul %f1, %limit1 : !w1
  %b1 = ml.constant dense<0.0> : !b1
  %e2 = ml.slice %even [8192:16384] : tensor<17024xf32> to tensor<8192xf32>
  %f2 = ml.reshape %e2 : tensor<8192xf32> to !w2
  %limit2 = ml.constant dense<1.008186243e-10> : !w2
  %w2 = ml.mul %f2, %limit2 : !w2
  %b2 = ml.constant dense<0.0> : !b2
  %e3 = ml.slice %even [16384:17024] : tensor<17024xf32> to tensor<640xf32>
  %f3 = ml.reshape %e3 : tensor<640xf32> to !w3
  %limit3 = ml.constant dense<1.425790736e-10> : !w3
  %w3 = ml.mul %f3, %limit3 : !w3
  %b3 = ml.constant dense<0.0> : !b3

  // each step looks at 64 images, and goes the faster the more steps are left
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %steps = arith.constant 2000 : index
  %batch = arith.constant 64 : index
  %rate = ml.constant dense<0.5> : tensor<f32>
  %slower = ml.constant dense<0.00025> : tensor<f32>
  %first = ml.constant dense<0.0> : tensor<f32>
  %n = tensor.dim %labels, %c0 : tensor<?xi32>
  %last = arith.subi %n, %batch : index
  %loss, %v1, %a1, %v2, %a2, %v3, %a3, %speed = scf.for %k = %c0 to %steps step %c1 iter_args(
      %l = %first, %p1 = %w1, %q1 = %b1, %p2 = %w2, %q2 = %b2, %p3 = %w3, %q3 = %b3, %r = %rate)
      -> (tensor<f32>, !w1, !b1, !w2, !b2, !w3, !b3, tensor<f32>) {
    %passed = arith.muli %k, %batch : index
    %start = arith.remui %passed, %last : index
    %some = tensor.extract_slice %images[%start, 0] [%batch, 64] [1, 1] : tensor<?x64xui8> to tensor<?x64xui8>
    %right = tensor.extract_slice %labels[%start] [%batch] [1] : tensor<?xi32> to tensor<?xi32>
    %now, %dw1, %db1, %dw2, %db2, %dw3, %db3 = func.call @gradient(%p1, %q1, %p2, %q2, %p3, %q3, %some, %right, %r)
        : (!w1, !b1, !w2, !b2, !w3, !b3, tensor<?x64xui8>, tensor<?xi32>, tensor<f32>)
        -> (tensor<f32>, !w1, !b1, !w2, !b2, !w3, !b3)
    %n1 = ml.sub %p1, %dw1 : !w1
    %n2 = ml.sub %q1, %db1 : !b1
    %n3 = ml.sub %p2, %dw2 : !w2
    %n4 = ml.sub %q2, %db2 : !b2
    %n5 = ml.sub %p3, %dw3 : !w3
    %n6 = ml.sub %q3, %db3 : !b3
    %next = ml.sub %r, %slower : tensor<f32>
    scf.yield %now, %n1, %n2, %n3, %n4, %n5, %n6, %next : tensor<f32>, !w1, !b1, !w2, !b2, !w3, !b3, tensor<f32>
  }

  // accuracy = mean(argmax(scores) == labels), on the new images
  %scores = func.call @scores(%v1, %a1, %v2, %a2, %v3, %a3, %new_images)
      : (!w1, !b1, !w2, !b2, !w3, !b3, tensor<?x64xui8>) -> tensor<?x10xf32>
  %digits = ml.argmax %scores, dim = 1 : tensor<?x10xf32> to tensor<?xi32>
  %same = ml.compare EQ, %digits, %new_labels : tensor<?xi32>
  %hits = ml.convert %same : tensor<?xi1> to tensor<?xf32>
  %sum = ml.reduce add %hits, dims = [0] : tensor<?xf32> to tensor<f32>
  %count = ml.get_dimension_size %new_labels, dim = 0 : tensor<?xi32> to tensor<i32>
  %total = ml.convert %count : tensor<i32> to tensor<f32>
  %accuracy = ml.div %sum, %total : tensor<f32>
  func.return %loss, %accuracy : tensor<f32>, tensor<f32>
}

// the scores of the ten digits for each image, whose pixels are 0 to 16
func.func private @scores(%w1: !w1, %b1: !b1, %w2: !w2, %b2: !b2, %w3: !w3, %b3: !b3, %images: tensor<?x64xui8>)
    -> tensor<?x10xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %images, %c0 : tensor<?x64xui8>
  %sixteenth = arith.constant 0.0625 : f32
  %scale = tensor.splat %sixteenth[%n] : tensor<?x64xf32>
  %pixels = ml.convert %images : tensor<?x64xui8> to tensor<?x64xf32>
  %x = ml.mul %pixels, %scale : tensor<?x64xf32>
  %p1 = ml.matmul %x, %w1 : (tensor<?x64xf32>, !w1) -> tensor<?x128xf32>
  %c1 = ml.broadcast_in_dim %b1, dims = [1], sizes(%n) : !b1 to tensor<?x128xf32>
  %s1 = ml.add %p1, %c1 : tensor<?x128xf32>
  %h1 = ml.relu %s1 : tensor<?x128xf32>
  %p2 = ml.matmul %h1, %w2 : (tensor<?x128xf32>, !w2) -> tensor<?x64xf32>
  %c2 = ml.broadcast_in_dim %b2, dims = [1], sizes(%n) : !b2 to tensor<?x64xf32>
  %s2 = ml.add %p2, %c2 : tensor<?x64xf32>
  %h2 = ml.relu %s2 : tensor<?x64xf32>
  %p3 = ml.matmul %h2, %w3 : (tensor<?x64xf32>, !w3) -> tensor<?x10xf32>
  %c3 = ml.broadcast_in_dim %b3, dims = [1], sizes(%n) : !b3 to tensor<?x10xf32>
  %s3 = ml.add %p3, %c3 : tensor<?x10xf32>
  func.return %s3 : tensor<?x10xf32>
}

// how far the scores are from the right digits
func.func private @loss(%w1: !w1, %b1: !b1, %w2: !w2, %b2: !b2, %w3: !w3, %b3: !b3, %images: tensor<?x64xui8>,
    %labels: tensor<?xi32>) -> tensor<f32> {
  %scores = func.call @scores(%w1, %b1, %w2, %b2, %w3, %b3, %images)
      : (!w1, !b1, !w2, !b2, !w3, !b3, tensor<?x64xui8>) -> tensor<?x10xf32>
  %loss = ml.cross_entropy %scores, %labels, reduction = mean : (tensor<?x10xf32>, tensor<?xi32>) -> tensor<f32>
  func.return %loss : tensor<f32>
}

// the loss, and its gradients in weights and biases, times the last argument
func.func private @gradient(!w1, !b1, !w2, !b2, !w3, !b3, tensor<?x64xui8>, tensor<?xi32>, tensor<f32>)
    -> (tensor<f32>, !w1, !b1, !w2, !b2, !w3, !b3)
    attributes {weft.gradient = @loss, weft.wrt = array<i64: 0, 1, 2, 3, 4, 5>, weft.seed}
