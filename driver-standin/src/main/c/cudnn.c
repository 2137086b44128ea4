// Symbols that are strong come with the next piece.
