"""Machine code for other processes: object files and shared libraries, their C interface and what they tell of
themselves.
"""
