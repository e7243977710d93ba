"""What the logs area refuses."""

from folkmoot.core.shared.refusals import Conflict


class AlreadyReading(Conflict):
    """The logs are being read anew already."""

    code = "already_reading"
    sentence = "The logs are being read already; wait until that is done."
