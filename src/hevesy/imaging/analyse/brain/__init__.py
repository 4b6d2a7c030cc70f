"""Brain PET and SPECT in a standard space: `regions`, `normals`, `zscores`, `projections`."""
