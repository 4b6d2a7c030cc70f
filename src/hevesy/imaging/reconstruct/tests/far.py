"""Arrays that, like those of a GPU, refuse to meet arrays of NumPy: what code for CuPy must avoid."""

import numpy as np
import scipy.ndimage
import scipy.sparse

from hevesy.imaging.device import Arrays


class Far(np.ndarray):
    """An array that lies elsewhere; only `get` brings it back."""

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return far(getattr(ufunc, method)(*map(known, inputs), **shown(options)))

    def __array_function__(self, function, types, inputs, options):
        raise TypeError(f"numpy.{function.__name__} of an array that lies elsewhere")

    def __setitem__(self, place, values):
        known(self)[place] = known(values)

    def get(self):
        """The values near at hand."""
        return known(self)


def known(value):
    """What lies behind a far array; refuses near ones."""
    if isinstance(value, Far):
        return value.view(np.ndarray)
    if isinstance(value, np.ndarray):
        raise TypeError("an array of NumPy meets one that lies elsewhere")
    return [known(one) for one in value] if isinstance(value, list) else value


def shown(options):
    """Options with what lies behind far arrays, as `out=` is one."""
    return {
        key: tuple(map(known, one)) if isinstance(one, tuple) and key == "out" else known(one)
        for key, one in options.items()
    }


def far(value):
    """Send an array away; numbers stay."""
    return value.view(Far) if isinstance(value, np.ndarray) else value


class Module:
    """`numpy` or `scipy.ndimage` for far arrays."""

    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        function = getattr(self._module, name)
        if name in ("asarray", "array"):
            return lambda values, **options: far(function(values, **options))
        return lambda *inputs, **options: far(function(*map(known, inputs), **shown(options)))


class Sparse:
    """`scipy.sparse` for far arrays."""

    class csr_matrix:  # noqa: N801 - the name that SciPy and CuPy have
        """A matrix that multiplies far arrays."""

        def __init__(self, entries, shape=None):
            if isinstance(entries, tuple):
                entries = scipy.sparse.csr_matrix(tuple(map(known, entries)), shape=shape)
            self._near = entries

        @property
        def T(self):  # noqa: N802
            """The transpose."""
            return type(self)(self._near.T)

        def tocsr(self):
            """In rows."""
            return type(self)(self._near.tocsr())

        def __matmul__(self, other):
            return far(self._near @ known(other))


def elsewhere():
    """A stand-in for a GPU."""
    return Arrays("cuda", Module(np), Module(scipy.ndimage), Sparse)
