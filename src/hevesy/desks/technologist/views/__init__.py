"""Pages of the technologist, one module for each thing that is done there."""
