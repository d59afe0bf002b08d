"""The `loop` dialect: loop nests on buffers and the schedules that shape them."""
