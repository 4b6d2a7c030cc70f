"""Regions in a volume: connected components, splitting of merged ones.

- `components`: thresholds and connected components on runs of voxels, with their statistics.
- `split`: one region that holds several peaks, cut along the valleys between them.
"""
