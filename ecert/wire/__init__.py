"""Exact bytes both ways (线上格式), strict, one spelling only.

The modules are the names to import: ``from ecert.wire import jws, qr``.
"""

from ecert.wire import b64, container, digits, json, jws, qr, sd_jwt, status_list

__all__ = ["b64", "container", "digits", "json", "jws", "qr", "sd_jwt", "status_list"]
