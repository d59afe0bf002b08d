"""What `plan-memory` is made of: how long buffers live, where they lie, and a report of it."""
