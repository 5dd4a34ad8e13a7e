"""The form of an event stream. It checks what people type; scim.events.streams decides."""

from typing import Any, Final

from django import forms

from accounts.console.form import ActionForm
from scim.events.claims import DETAILED, FULL, NOTICE, Kind, uris_of
from scim.events.models import DeliveryMethod
from scim.events.streams import MAX_AUDIENCE, MAX_HEADER, MAX_LABEL, StreamRequest

_CONTENT: Final = {
    NOTICE: "The names of the attributes that changed (notice)",
    FULL: "Their values, which are personal data (full)",
}
_LABELS: Final = {
    Kind.CREATE: "Tell of creations",
    Kind.PATCH: "Tell of changes by PATCH",
    Kind.PUT: "Tell of changes by PUT",
    Kind.DELETE: "Tell of deletions",
    Kind.ACTIVATE: "Tell of activations",
    Kind.DEACTIVATE: "Tell of deactivations",
}


class StreamForm(ActionForm):
    label = forms.CharField(max_length=MAX_LABEL, help_text="What receives the events.")
    method = forms.ChoiceField(choices=DeliveryMethod.choices)
    endpoint = forms.CharField(
        max_length=500,
        required=False,
        help_text="Where events are sent to, an https URL; none for polling.",
    )
    authorization = forms.CharField(
        max_length=MAX_HEADER,
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        label="Authorization header",
        help_text="For push, if the receiver asks for one, such as Bearer and its token. It is never"
        " shown again.",
    )
    audience = forms.CharField(
        max_length=MAX_AUDIENCE,
        required=False,
        help_text="What the receiver expects as aud; the endpoint if nothing is said.",
    )
    content = forms.ChoiceField(choices=list(_CONTENT.items()), label="Tell")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind, label in _LABELS.items():
            self.fields[kind.value] = forms.BooleanField(required=False, initial=True, label=label)

    def stream_request(self) -> StreamRequest:
        """The request that the valid form holds."""
        data = self.cleaned_data
        flavor = 0 if data["content"] == NOTICE else 1
        chosen = [kind for kind in Kind if data[kind.value]]
        return StreamRequest(
            label=data["label"],
            method=DeliveryMethod(data["method"]),
            endpoint=data["endpoint"],
            authorization=data["authorization"],
            audience=data["audience"],
            event_uris=tuple(uris_of(kind)[flavor if kind in DETAILED else 0] for kind in chosen),
        )
