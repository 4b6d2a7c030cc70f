"""How much a peer may take of us before it has said who it is, and after. All sizes in bytes, times in seconds."""

from __future__ import annotations

import os
from typing import Final

FIRST_PDU_BYTES: Final = 64 * 1024
"""The largest A-ASSOCIATE-RQ: 128 proposed contexts with many transfer syntaxes are about 20 KB."""
PDU_BYTES: Final = 128 * 1024
"""What we offer as maximum PDU length; DCMTK and most devices then send that much at once."""
COMMAND_BYTES: Final = 64 * 1024
IDENTIFIER_BYTES: Final = 1024 * 1024
"""A query, or what a device reports of a step; images are not collected in memory."""

WAITING_PDUS: Final = 8
"""PDUs of ours that may wait for the receiver."""
SUBOPERATIONS: Final = 65535
"""Objects of one retrieval: more cannot be counted in its answers (PS3.7 §9.3.4)."""
CONNECT_S: Final = 5.0
"""Until a device that we call has taken the connection."""

SPEAK_WITHIN_S: Final = 5.0
"""A connection that has not sent its association request by then is closed."""
NETWORK_TIMEOUT_S: Final = float(os.environ.get("HEVESY_DICOM_TIMEOUT", "60"))
"""Silence on an association, or one PDU that trickles in for so long, ends it."""

ASSOCIATIONS: Final = int(os.environ.get("HEVESY_DICOM_ASSOCIATIONS", "30"))
ASSOCIATIONS_PER_ADDRESS: Final = int(os.environ.get("HEVESY_DICOM_ASSOCIATIONS_PER_ADDRESS", "10"))
WAITING: Final = 256
WAITING_PER_ADDRESS: Final = 16
"""Silent connections of one address: the oldest makes room for the newest, so that a device is not locked out."""

MATCHES: Final = 500
"""Answers to one worklist query."""
QUERY_MATCHES: Final = int(os.environ.get("HEVESY_DICOM_QUERY_MATCHES", "2000"))
"""Answers to one query of the archive."""
