"""Analyses of nuclear medicine studies: from frames and regions to numbers with their sources.

Building blocks: `regions` (what a person drew), `curves` (what a region counted, and when),
`outcome` (results with units, method, source, reference range and findings), `plots`. Each study is
a module of its own, imported by name; this package imports none of them.
"""
