"""The parts of `convert-loop-to-gpu`: a kernel of scheduled loops becomes functions of the device and their launches."""
