"""What an output tells of itself: who made each value of a row, and why rows were refused."""
