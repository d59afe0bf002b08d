"""From `ml` to `loop`, buffers and memory, and the schedule steps."""
