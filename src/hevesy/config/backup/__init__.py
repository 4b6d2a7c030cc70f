"""`hevesy backup` and `hevesy restore`: one file with all that cannot be made again (clause 1.1, J14).

A tar file: the database as one consistent moment, every object that its rows name, keys and anchors, and last a
manifest with hashes, so that a file that ends early is noticed. It holds keys and patient data: keep it as safe.
"""

from hevesy.config.backup.restoring import RestoreRefused, restore
from hevesy.config.backup.saving import BackupDone, BackupFailed, backup

__all__ = ["BackupDone", "BackupFailed", "RestoreRefused", "backup", "restore"]
