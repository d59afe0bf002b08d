"""The parts of `convert-loop-to-gpu`: scheduled loops become functions of the device and their launches."""
