"""The errors this platform raises on purpose; each message names the subject, what was found and what to do.

No message may contain personal data: only counts and names of tables, columns, files and settings.
"""


class StediError(Exception):
    """Anything the platform refuses or cannot do, in words a user can act on."""


class ContractError(StediError):
    """A table's contract contradicts itself."""


class SettingsError(StediError):
    """A setting has a value that is not allowed."""


class LandingError(StediError):
    """The landing zone cannot be read: a folder is missing, a file vanished, access is refused."""


class EngineError(StediError):
    """The Spark Connect engine could not be started or reached, or did not do its work."""


class PublishConflictError(StediError):
    """Somebody else published first, so this result rests on data that is no longer current."""


class AwsError(StediError):
    """AWS refused, or did not answer; or its configuration cannot be used."""


class StorageError(StediError):
    """A file of the warehouse or the landing zone could not be read or written."""


class BusyError(StediError):
    """Another run holds the lakehouse and did not finish within the time limit."""


class OriginError(StediError):
    """The tables in the warehouse are not those that the catalog knows, or nobody can tell whose they are."""


class ReleaseError(StediError):
    """A release must not be created or handed out as things are; what is published is not the matter."""
