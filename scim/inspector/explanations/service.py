"""Refusals of the state of things: versions, sizes, and what the server could not do."""

from typing import Final

from scim.inspector.explanations.rows import CREDENTIALS, SENDER, Explanation, Row

ROWS: Final = (
    Row(
        Explanation(
            "version-changed",
            "The resource was changed after the client had read it.",
            "RFC 7644 §3.14: If-Match, If-None-Match",
            "Read the resource again and repeat the change.",
            SENDER,
        ),
        412,
    ),
    Row(
        Explanation(
            "too-large",
            "The body, or the number of its operations, is beyond what is accepted.",
            "RFC 7644 §3.7.4; the limits stand in ServiceProviderConfig",
            "Send it in several requests.",
            SENDER,
        ),
        413,
    ),
    Row(
        Explanation(
            "body-compressed",
            "The body was compressed, which the server does not take.",
            "RFC 9110 §8.4, §15.5.16",
            "Send the body without the header Content-Encoding, as it is.",
            SENDER,
        ),
        415,
        detail=r"Content-Encoding",
    ),
    Row(
        Explanation(
            "media-type",
            "The body was not announced as JSON.",
            "RFC 7644 §3.1",
            "Send the header Content-Type: application/scim+json.",
            SENDER,
        ),
        415,
    ),
    Row(
        Explanation(
            "departures-held",
            "Unusually many users were deactivated or deleted within an hour, and the tenant has"
            " chosen that further ones wait.",
            "RFC 6585 §4; myPolicies: the guard against mass deactivation",
            "Look at the open mass deactivation: if it is not meant, mend the assignment or the"
            " scope in Entra and undo it; if it is meant, let it pass. Entra repeats the request.",
            "Here: Mass deactivations",
        ),
        429,
        detail=r"Unusually many users",
    ),
    Row(
        Explanation(
            "too-many-requests",
            "Requests came faster than they are accepted.",
            "RFC 6585 §4",
            "Wait as long as the header Retry-After says; Entra does so by itself.",
            "Nowhere: it goes on by itself",
        ),
        429,
    ),
    Row(
        Explanation(
            "unexpected",
            "The server failed; nothing was changed.",
            "RFC 7644 §3.12",
            "Find the request id in the server's log and tell the developers. Entra repeats the"
            " request in its next cycle.",
            "myPolicies support",
        ),
        500,
    ),
    Row(
        Explanation(
            "me-is-nobody",
            "/Me needs exactly one user with the e-mail address of the token's account.",
            "RFC 7644 §3.11",
            "Provision that user, or issue the token for an account that is provisioned.",
            CREDENTIALS,
        ),
        501,
    ),
    Row(
        Explanation(
            "busy",
            "The database did not answer in time; nothing was changed.",
            "RFC 9110 §15.6.4",
            "Nothing, if it was once: Entra repeats the request. Otherwise look at the server.",
            "myPolicies operators",
        ),
        503,
    ),
)
