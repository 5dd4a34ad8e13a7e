"""Messages that become files hold links that let somebody in: nobody else may read them."""

import os
import stat

import pytest
from django.core.mail import EmailMessage, get_connection


@pytest.fixture(autouse=True)
def _a_umask_that_gives_everything_away():
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_files_and_folder_belong_to_the_writer_alone(tmp_path):
    folder = tmp_path / "mail"

    sent = write(folder, "first", "second")

    [file] = folder.iterdir()
    assert (sent, mode(folder), mode(file)) == (2, 0o700, 0o600)
    assert "Subject: first" in file.read_text()
    assert "Subject: second" in file.read_text()


def test_a_folder_that_others_could_read_is_closed(tmp_path):
    folder = tmp_path / "mail"
    folder.mkdir(mode=0o755)

    write(folder, "first")

    assert mode(folder) == 0o700


def write(folder, *subjects):
    messages = [EmailMessage(each, "body", to=["tara@acme.example"]) for each in subjects]
    backend = get_connection("accounts.mailing.FileBackend", file_path=folder)
    return backend.send_messages(messages)
