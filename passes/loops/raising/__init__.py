"""What `raise-to-loop` is made of: loops on memrefs, read as linear forms, become kernels."""
