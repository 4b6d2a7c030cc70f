"""Left ventricle from gated short-axis SPECT: `surfaces`, `segments` and the study `gatedspect`."""
