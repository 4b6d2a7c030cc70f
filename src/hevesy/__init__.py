"""Hevesy: the information system of one nuclear medicine department."""
