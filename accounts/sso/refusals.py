"""The rows of the catalogue for single sign-on (accounts.refusals says what a row is)."""

from typing import Final

from accounts.refusals import Refusal

PLACE: Final = "myPolicies: the tenant's Single sign-on"
_APPLICATION: Final = "Entra: Enterprise applications → the application → Single sign-on"
_REGISTRATION: Final = "Entra: App registrations → the application"
_EITHER: Final = "Entra: the application's Single sign-on, or its App registration"

ROWS: Final = (
    Refusal(
        "sso.metadata",
        "The metadata do not describe an identity provider that can be used here.",
        "OpenID Connect Discovery 1.0 §3, §4; saml-metadata-2.0 §2.4.3",
        "Copy the URL of the OpenID Connect metadata document, or download the Federation Metadata"
        " XML, of your own directory.",
        _EITHER,
    ),
    Refusal(
        "sso.exchange",
        "The identity provider did not exchange its code for an ID token.",
        "RFC 6749 §4.1.3, RFC 7636 §4.5",
        "Check the redirect URI, the client id, and that the client secret has not expired.",
        _REGISTRATION,
    ),
    Refusal(
        "sso.provider",
        "The identity provider refused to sign the person in.",
        "RFC 6749 §4.1.2.1; saml-core-2.0 §3.2.2",
        "Assign the person to the application; the sign-in log of Entra says more.",
        "Entra: Enterprise applications → the application → Users and groups",
    ),
    Refusal(
        "sso.response",
        "The answer of the identity provider cannot be read, or is not built as the standard says.",
        "OpenID Connect Core 1.0 §3.1.3.7; saml-profiles-2.0 §4.1.4.2",
        "Turn token encryption off, and leave the form of the answer at its default.",
        _APPLICATION,
    ),
    Refusal(
        "sso.signature",
        "The answer is not signed by the identity provider that is set up.",
        "OpenID Connect Core 1.0 §3.1.3.7; saml-core-2.0 §5",
        "After an exchange of certificates, save the new Federation Metadata XML here; keys of"
        " OpenID Connect are read again automatically.",
        PLACE,
    ),
    Refusal(
        "sso.issuer",
        "The answer comes from another identity provider or directory.",
        "OpenID Connect Core 1.0 §3.1.3.7; saml-profiles-2.0 §4.1.4.2",
        "Sign in with an account of the directory that is set up, or correct the set-up.",
        PLACE,
    ),
    Refusal(
        "sso.audience",
        "The answer was issued for another application.",
        "OpenID Connect Core 1.0 §3.1.3.7; saml-core-2.0 §2.5.1.4",
        "Compare the client id, or the Identifier (Entity ID), with the values of the page.",
        _EITHER,
    ),
    Refusal(
        "sso.recipient",
        "The answer was issued for another address.",
        "saml-profiles-2.0 §4.1.4.2",
        "Compare the Reply URL (Assertion Consumer Service URL) with the value of the page.",
        _APPLICATION,
    ),
    Refusal(
        "sso.time",
        "The answer has expired, or is not valid yet.",
        "OpenID Connect Core 1.0 §3.1.3.7; saml-core-2.0 §2.5.1",
        "Sign in again. If this repeats, a clock is wrong.",
        "myPolicies operators",
    ),
    Refusal(
        "sso.nonce",
        "The answer belongs to another request.",
        "OpenID Connect Core 1.0 §3.1.3.7",
        "Sign in again.",
        "The sign-in page",
    ),
    Refusal(
        "sso.unsolicited",
        "The answer belongs to no request that was made here.",
        "saml-profiles-2.0 §4.1.5; myPolicies starts every sign-in",
        "Start at the sign-in page. For a tile in My Apps, set the Sign on URL in Entra.",
        _APPLICATION,
    ),
    Refusal(
        "sso.subject",
        "The answer names nobody by an id that never changes.",
        "myPolicies: accounts are linked by immutable ids, never by e-mail address",
        "Send the claims objectidentifier and tenantid, or a persistent Name ID.",
        _APPLICATION,
    ),
    Refusal(
        "sso.unreachable",
        "The identity provider did not answer.",
        "myPolicies: public addresses only, within 5 seconds",
        "Check the URL of the metadata document. The worker tries again every five minutes.",
        PLACE,
    ),
    Refusal(
        "sso.untested",
        "Single sign-on has not been tested since it was changed.",
        "myPolicies: people sign in by what has worked once",
        "Press Test on its page, then enable it.",
        PLACE,
    ),
    Refusal(
        "sso.off",
        "Single sign-on by this protocol is not enabled.",
        "myPolicies: each tenant sets its own up",
        "Sign in in another way, or enable it.",
        PLACE,
    ),
    Refusal(
        "sso.state",
        "The browser has no sign-in open that the answer belongs to.",
        "RFC 6749 §10.12; saml-profiles-2.0 §4.1.4.3; myPolicies: one answer within ten minutes",
        "Start again at the sign-in page, in one browser.",
        "The sign-in page",
    ),
    Refusal(
        "sso.replay",
        "The SAML response has been used before.",
        "saml-profiles-2.0 §4.1.4.5",
        "Sign in again. If nobody sent it twice, somebody else may have: ask myPolicies support.",
        "The sign-in page",
    ),
    Refusal(
        "sso.not-linked",
        "The person is linked to no account that signs in here.",
        "myPolicies: accounts are linked by immutable ids, never by e-mail address",
        "Sign in once with your password and link your account, or accept an invitation with single"
        " sign-on.",
        PLACE,
    ),
    Refusal(
        "sso.linked",
        "The person is linked to another account, or the account to another person.",
        "myPolicies: one person for an account",
        "Remove the other link on the page of its account.",
        "myPolicies: the tenant's Accounts",
    ),
    Refusal(
        "sso.not-renewed",
        "The identity provider answered without asking the person to sign in again.",
        "OpenID Connect Core 1.0 §3.1.2.1: prompt; saml-core-2.0 §3.4.1: ForceAuthn",
        "Sign in again, or renew the proof with a password.",
        "The sign-in page",
    ),
    Refusal(
        "sso.required",
        "Passwords are switched off, so all sign in by the identity provider.",
        "myPolicies: somebody can always sign in",
        "Press Allow passwords on the page first.",
        PLACE,
    ),
    Refusal(
        "sso.break-glass",
        "The break-glass account is the one that signs in by password while passwords are off.",
        "myPolicies: an active admin with a password",
        "Choose an active admin with a password, or allow passwords again first.",
        PLACE,
    ),
)
