"""Pages that show the mail that stays on this machine. They exist beside the sandbox and in development alone: whoever
opens them reads everybody's links."""

from email.utils import parsedate_to_datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config import mail_folder


@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    """What was mailed, newest first."""
    found = [(name, mail) for name in mail_folder.names()[:50] if (mail := mail_folder.read(name)) is not None]
    rows = [{"name": name, "to": str(mail["To"]), "subject": str(mail["Subject"])} for name, mail in found]
    return render(request, "mails/list.html", {"mails": rows})


@require_safe
def mail(request: HttpRequest, name: str) -> HttpResponse:
    """One mail, as its reader without HTML sees it."""
    found = mail_folder.read(name)
    if found is None:
        raise Http404
    body = found.get_body(("plain",))
    words = {
        "to": str(found["To"]),
        "subject": str(found["Subject"]),
        "at": parsedate_to_datetime(str(found["Date"])),
        "text": body.get_content() if body is not None else "",
    }
    return render(request, "mails/mail.html", words)
