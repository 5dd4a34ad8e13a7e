"""The form of an event stream. It checks what people type; scim.events.streams decides."""

from typing import Any, Final

from django import forms

from accounts.console.form import ActionForm
from scim.events.claims import DETAILED, FULL, NOTICE, Kind, uris_of
from scim.events.models import DeliveryMethod
from scim.events.streams import MAX_AUDIENCE, MAX_HEADER, MAX_LABEL, StreamRequest

_CONTENT: Final = {
    NOTICE: "Names of the changed attributes (notice)",
    FULL: "Their values too, which are personal data (full)",
}
_LABELS: Final = {
    Kind.CREATE: "User or group created",
    Kind.PATCH: "Changed by PATCH",
    Kind.PUT: "Replaced by PUT",
    Kind.DELETE: "Deleted",
    Kind.ACTIVATE: "User activated",
    Kind.DEACTIVATE: "User deactivated",
}


class StreamForm(ActionForm):
    label = forms.CharField(max_length=MAX_LABEL, help_text="A name for the receiver.")
    method = forms.ChoiceField(choices=DeliveryMethod.choices)
    endpoint = forms.CharField(
        max_length=500,
        required=False,
        help_text="The https URL that receives the events; empty for polling.",
    )
    authorization = forms.CharField(
        max_length=MAX_HEADER,
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        label="Authorization header",
        help_text="For push, if the receiver requires one, such as Bearer and a token. It cannot"
        " be shown again.",
    )
    audience = forms.CharField(
        max_length=MAX_AUDIENCE,
        required=False,
        help_text="The aud that the receiver expects; the endpoint by default.",
    )
    content = forms.ChoiceField(choices=list(_CONTENT.items()), label="Include")

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
