"""The simulator: GPU code on the CPU, every thread a coroutine, and what a checker sees in its record."""
