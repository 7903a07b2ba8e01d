"""One module for each thing outside, each of which knows that one thing only."""
