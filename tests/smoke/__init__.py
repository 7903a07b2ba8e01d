"""What a deployed stack must be able to do, asked of it from outside."""
