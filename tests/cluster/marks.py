"""Which tests run where."""

import os

import pytest

long = pytest.mark.skipif(not os.environ.get("PRAETOR_LONG"), reason="takes minutes: PRAETOR_LONG=1 runs it")
