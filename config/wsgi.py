"""WSGI entry point: ``granian --interface wsgi config.wsgi:application``."""

import os

from django.conf import settings
from django.core.checks import run_checks
from django.core.management.base import SystemCheckError
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

# A server starts no management command, which is where Django would look: a missing key, say, is refused here too.
if serious := [problem for problem in run_checks() if problem.is_serious()]:
    raise SystemCheckError("\n".join(f"{problem.id}: {problem.msg}" for problem in serious))

# The web outlives the others now and then: it too tells people when no worker and no beat is left.
if settings.WATCH_FROM_WEB:
    from config.watchdog import start_watching

    start_watching()
