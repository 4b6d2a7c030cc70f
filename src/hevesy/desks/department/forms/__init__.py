"""Forms of the department's pages. They validate and read; the actions of `records` write."""
