"""Results as DICOM objects that other systems read: SEG, SR, GSPS, KOS, parametric map, RTSTRUCT.

Each module builds data sets from results and the headers of the images they were measured on, and
reads back what it wrote. Patient and study are those of the images; text is UTF-8 (ISO_IR 192).
Nothing is imported here: highdicom loads with the module that needs it.
"""
