"""How gunicorn serves: `gunicorn config.wsgi -c config/gunicorn.py`, or `manage.py up`.

Threads keep connections open and overlap the waits for the disk; measured in performance.md.
"""

import os

from config import environment

bind = f"127.0.0.1:{environment.number('PORT', 8000, most=65_535)}"
worker_class = "gthread"
workers = environment.number("WEB_CONCURRENCY", os.cpu_count() or 1, most=256)
threads = 4
timeout = 45  # seconds; below the 60 in which Entra wants an answer
graceful_timeout = 30  # seconds
keepalive = 75  # seconds, beyond a proxy's own
limit_request_line = 8190  # bytes; a filter may be long
forwarder_headers = ""  # by default a client's SCRIPT_NAME header would be believed
control_socket_disable = True
accesslog = None  # config.outermost writes the line of each request
errorlog = "-"
loglevel = "warning"
