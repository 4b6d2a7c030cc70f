"""Numbers and pictures of nuclear medicine, free of the rest of Hevesy.

A library on numpy, scipy and pydicom that any program can use; it imports no Django and no other
part of Hevesy.

- `geometry`: volumes in patient space, sampling, orientation.
- `dicomio`: DICOM series to volumes (guarded, also in a sandboxed child process), and back.
- `quantify`: SUV, decay and activities, region statistics.
- `render`: slices, fusion and rotating MIP as plain arrays; the transport form for viewers.
- `nuclides`: half-lives. `phantoms`: a generated whole-body FDG PET/CT with known truth.

Coordinates are DICOM patient coordinates in mm (LPS: x to the left, y to the back, z to the head).
Arrays are indexed [slice k, row j, column i].
"""
