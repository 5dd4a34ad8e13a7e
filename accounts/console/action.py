"""The actions of a screen, as data: a table of what people can do there, with the words of each.

RecordAdmin gives every row of the table its URL and its button, and one view that asks on GET, runs
the action once on POST and says what was done.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

from django.http import HttpRequest

from accounts.audit import Actor
from accounts.console.form import ActionForm
from accounts.console.page import Section
from accounts.signed_in import actor, words

KEY: Final = "<uuid:key>"  # in a route: the key of the row that the action is about
ADD: Final = "add"  # the name of the action that adds a row; its page is where Django's would be

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Call(Generic[R]):
    """An action that somebody asks for, on a row, or on the list, whose `record` is None."""

    request: HttpRequest
    record: R
    known: Any = None  # what the action looked up before anything was said
    form: Any = None  # the valid one; None until it is
    result: Any = None  # what the action made of it

    @property
    def actor(self) -> Actor:
        """The signed-in account, for accounts.actions and the audit log."""
        return actor(self.request)

    @property
    def data(self) -> Mapping[str, Any]:
        """The content of the valid form."""
        data: Mapping[str, Any] = self.form.cleaned_data
        return data


# Text that may name {record}, {result} and what accounts.signed_in.words offers, or a function.
Words = str | Callable[[Call[Any]], str]


def _always(_call: Call[Any]) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Action(Generic[R]):
    """Something that people can do on a screen. Without visible fields its form is a confirmation.

    `run` does it and returns what `done` says and leads to; a page or a response is the answer itself.
    It may raise ActionRefused: the sentence is shown beside the field that it is about, or above the
    form, and nothing else happened.
    """

    name: str  # the end of its URL's name
    permission: Words
    run: Callable[[Call[R]], Any]
    title: Words
    label: Words = ""  # of the button that leads to it; none without one
    submit: Words = ""  # the label of the button that does it, if another
    done: Words = ""
    on_list: bool = False  # it is about the list, as ADD is, and not about one row
    reads_query: bool = False  # of the list: its button keeps the list's filters and search
    route: str = ""  # below the list's path; by default the name, behind the row's key
    text: Words = ""  # above the form, a paragraph a line
    sections: Callable[[Call[R]], tuple[Section, ...]] | None = None
    form: Callable[..., ActionForm] = ActionForm
    options: Callable[[Call[R]], Mapping[str, Any]] | None = None  # keyword arguments of the form
    # The form's names of fields that are not the action's; "" stands for none in particular.
    fields: Mapping[str, str] = field(default_factory=dict)
    is_offered: Callable[[Call[R]], bool] = _always  # by a button, to those who are permitted
    is_dangerous: bool = False
    needs_proof: bool = False  # asks for the password again when the last proof is old
    leads_to_list: bool = False  # when it is done, in place of the row's page
    find: Callable[[Any], R] | None = None  # the row by its key, in place of the screen's own
    look_up: Callable[[Call[R]], Any] | None = None  # what words, form and function need: `known`
    belongs_to: Callable[[R], Any] = attrgetter("pk")  # the key of the page that shows the row

    @property
    def is_about_a_row(self) -> bool:
        """True if the action is about one row, false if it is about the list."""
        return not (self.on_list or self.name == ADD)

    @property
    def url(self) -> str:
        """The route of the view, below the path of the list."""
        name = self.name.replace("_", "-")
        return self.route or (f"{KEY}/{name}/" if self.is_about_a_row else f"{name}/")


def said(text: Words, call: Call[Any]) -> str:
    """The text for that call."""
    if not isinstance(text, str):
        return text(call)
    return text.format(record=call.record, result=call.result, **words())
