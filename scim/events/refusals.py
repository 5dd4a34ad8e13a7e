"""Rows of the catalogue of refusals: what receivers of events, and the screens of streams, are told."""

from typing import Final

from accounts.refusals import Refusal

_RECEIVER: Final = "The receiver of the events"

ROWS: Final = (
    Refusal(
        "stream.secret",
        "Events were requested without the secret of an event stream of this tenant.",
        "RFC 8936 §2.4, RFC 6750 §3.1",
        "Send the secret that was shown when the stream was created; if it is lost, create another"
        " stream.",
        _RECEIVER,
    ),
    Refusal(
        "stream.poll",
        "The request for events is not built as the RFC requires.",
        "RFC 8936 §2.2",
        "Correct the member that the detail names.",
        _RECEIVER,
    ),
    Refusal(
        "stream.settings",
        "The settings of the event stream contradict each other, or one is not valid.",
        "RFC 8935, RFC 8936, RFC 9967 §2; myPolicies: event streams",
        "Correct the field that the message names.",
        "myPolicies: Event streams",
    ),
    Refusal(
        "stream.sealed",
        "The key that signs events cannot be read.",
        "myPolicies: signing keys are stored encrypted",
        "Add the SECRET_KEY that the signing key was made under to SECRET_KEY_FALLBACKS, or rotate the"
        " signing key.",
        "myPolicies operators",
    ),
)
