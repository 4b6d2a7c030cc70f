"""Numbers and pictures of nuclear medicine, free of the rest of Hevesy.

A library on numpy, scipy, numba and pydicom that any program can use; it imports no Django and no
other part of Hevesy.

- `geometry`: volumes in patient space, sampling, resampling, orientation.
- `dicomio`: DICOM series, time frames, gates, planar studies and masks to arrays (guarded, also in
  a sandboxed child process), and results back to DICOM.
- `quantify`: SUV, decay and activities, region statistics, thresholds, response scales.
- `segment`: connected regions, their splitting, lesions.
- `models`: networks of a department, where there are any (ONNX, nnU-Net).
- `reconstruct`: SPECT projections to volumes. `analyse`: renograms, hearts, brains, kinetics, …
- `render`: planes, fusion, MIP, volume rendering, movies, colour maps; the transport for viewers.
- `nuclides`: half-lives. `phantoms`: generated studies with known truth.
- `commands`: `hevesy image VERB`. `compiled`: the one way to compile a loop.

Coordinates are DICOM patient coordinates in mm (LPS: x to the left, y to the back, z to the head).
Arrays are indexed [slice k, row j, column i].
"""
