"""One module per study of `hevesy image analyse`: its options, and its answer from files."""
