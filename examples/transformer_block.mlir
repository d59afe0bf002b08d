// A GPT-style transformer with one block: token and position embeddings; layer_norm, causal attention with two heads, residual;
// layer_norm, MLP with gelu, residual; and the digit that comes next. It reads 3 1 4 1 5 9 2 6, three times over, and from the
// first repetition on knows how it continues: its heads look seven digits back, and copy.
//
//   weft run examples/transformer_block.mlir
//
// The weights are set by hand, in transformer_block.npz; transformer_block.py made that file.

func.func @main(
    %digits: tensor<24xi32> {weft.input = "transformer_block.npz:digits"},
    %embeddings: tensor<10x64xf32> {weft.input = "transformer_block.npz:embeddings"},
    %positions: tensor<24x64xf32> {weft.input = "transformer_block.npz:positions"},
    %scale1: tensor<64xf32> {weft.input = "transformer_block.npz:scale1"},
    %bias1: tensor<64xf32> {weft.input = "transformer_block.npz:bias1"},
    %qkv: tensor<64x192xf32> {weft.input = "transformer_block.npz:qkv"},
    %projection: tensor<64x64xf32> {weft.input = "transformer_block.npz:projection"},
    %scale2: tensor<64xf32> {weft.input = "transformer_block.npz:scale2"},
    %bias2: tensor<64xf32> {weft.input = "transformer_block.npz:bias2"},
    %up: tensor<64x128xf32> {weft.input = "transformer_block.npz:up"},
    %down: tensor<128x64xf32> {weft.input = "transformer_block.npz:down"},
    %unembedding: tensor<64x10xf32> {weft.input = "transformer_block.npz:unembedding"})
    -> (tensor<24xi32> {weft.name = "read"}, tensor<24xi32> {weft.name = "next"}, tensor<f32> {weft.name = "right"}) {
  %tokens = ml.take %embeddings, %digits : tensor<10x64xf32>, tensor<24xi32> to tensor<24x64xf32>
  %x = ml.add %tokens, %positions : tensor<24x64xf32>

  // attention: x + heads(layer_norm(x)) @ projection
  %n1 = ml.layer_norm %x scale(%scale1 : tensor<64xf32>) bias(%bias1 : tensor<64xf32>) : tensor<24x64xf32>
  %mixed = ml.matmul %n1, %qkv : (tensor<24x64xf32>, tensor<64x192xf32>) -> tensor<24x192xf32>
  %split = ml.reshape %mixed : tensor<24x192xf32> to tensor<24x3x2x32xf32>
  %heads = ml.transpose %split, perm = [1, 2, 0, 3] : tensor<24x3x2x32xf32> to tensor<3x2x24x32xf32>
  %q3 = ml.slice %heads [0:1, 0:2, 0:24, 0:32] : tensor<3x2x24x32xf32> to tensor<1x2x24x32xf32>
  %k3 = ml.slice %heads [1:2, 0:2, 0:24, 0:32] : tensor<3x2x24x32xf32> to tensor<1x2x24x32xf32>
  %v3 = ml.slice %heads [2:3, 0:2, 0:24, 0:32] : tensor<3x2x24x32xf32> to tensor<1x2x24x32xf32>
  %seen = ml.attention %q3, %k3, %v3, causal
      : (tensor<1x2x24x32xf32>, tensor<1x2x24x32xf32>, tensor<1x2x24x32xf32>) -> tensor<1x2x24x32xf32>
  %rows = ml.transpose %seen, perm = [0, 2, 1, 3] : tensor<1x2x24x32xf32> to tensor<1x24x2x32xf32>
  %joined = ml.reshape %rows : tensor<1x24x2x32xf32> to tensor<24x64xf32>
  %attended = ml.matmul %joined, %projection : (tensor<24x64xf32>, tensor<64x64xf32>) -> tensor<24x64xf32>
  %x1 = ml.add %x, %attended : tensor<24x64xf32>

  // MLP: x + gelu(layer_norm(x) @ up) @ down
  %n2 = ml.layer_norm %x1 scale(%scale2 : tensor<64xf32>) bias(%bias2 : tensor<64xf32>) : tensor<24x64xf32>
  %wide = ml.matmul %n2, %up : (tensor<24x64xf32>, tensor<64x128xf32>) -> tensor<24x128xf32>
  %active = ml.gelu %wide : tensor<24x128xf32>
  %narrow = ml.matmul %active, %down : (tensor<24x128xf32>, tensor<128x64xf32>) -> tensor<24x64xf32>
  %x2 = ml.add %x1, %narrow : tensor<24x64xf32>

  %logits = ml.matmul %x2, %unembedding : (tensor<24x64xf32>, tensor<64x10xf32>) -> tensor<24x10xf32>
  %next = ml.argmax %logits, dim = 1 : tensor<24x10xf32> to tensor<24xi32>

  // how many of the predictions for the second and third time are right
  %guess = ml.slice %next [7:23] : tensor<24xi32> to tensor<16xi32>
  %truth = ml.slice %digits [8:24] : tensor<24xi32> to tensor<16xi32>
  %same = ml.compare EQ, %guess, %truth : tensor<16xi32>
  %hits = ml.convert %same : tensor<16xi1> to tensor<16xf32>
  %sum = ml.reduce add %hits : tensor<16xf32> to tensor<f32>
  %count = ml.constant dense<16.0> : tensor<f32>
  %right = ml.div %sum, %count : tensor<f32>
  func.return %digits, %next, %right : tensor<24xi32>, tensor<24xi32>, tensor<f32>
}
