"""What the authority does (业务服务): issue, change status, check, publish, read back, and know its clients.

Services see the outside through the Protocols of `ports` only. They are blocking code, called from threads.
"""

from ecert.services.bulk import RowOutcome, RowResult
from ecert.services.check import Checked, Checking, Registered, Scan
from ecert.services.clients import Clients
from ecert.services.drafts import read_draft
from ecert.services.issue import IssuedLicence, Issuing, Resumed, VersionOperation
from ecert.services.publish import Published, Publishing
from ecert.services.reading import HistoryLine, Licences, LicenceView, QrForm
from ecert.services.reconcile import Difference, reconcile
from ecert.services.records import Actor, ClientRecord, Operation, RequestKey, Role, Standing
from ecert.services.relay import Relay
from ecert.services.rows import Row, RowFault, read_csv, read_ndjson, read_xlsx
from ecert.services.status import StatusChanged, StatusChanges

__all__ = [
    "Actor",
    "Checked",
    "Checking",
    "ClientRecord",
    "Clients",
    "Difference",
    "HistoryLine",
    "IssuedLicence",
    "Issuing",
    "LicenceView",
    "Licences",
    "Operation",
    "Published",
    "Publishing",
    "QrForm",
    "Registered",
    "Relay",
    "RequestKey",
    "Resumed",
    "Role",
    "Row",
    "RowFault",
    "RowOutcome",
    "RowResult",
    "Scan",
    "Standing",
    "StatusChanged",
    "StatusChanges",
    "VersionOperation",
    "read_csv",
    "read_draft",
    "read_ndjson",
    "read_xlsx",
    "reconcile",
]
