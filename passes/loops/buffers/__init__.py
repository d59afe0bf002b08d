"""What `bufferize` is made of: tensors become buffers, copies that nobody needs go, every buffer is freed."""
