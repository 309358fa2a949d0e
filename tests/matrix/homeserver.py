"""A Matrix homeserver (Synapse) on a loopback port, for tests/support/homeserver.rs and for trying out.

Keeps everything in a temporary directory, with SQLite. Prints one line of JSON when it serves:

    {"ready": "http://127.0.0.1:PORT",
     "bot": {"user_id": "@bot:hs.test", "access_token": "..."}, "agent": {...}}

and ends with its standard input. Synapse's own log goes to standard error.

    scripts/prerequisites matrix && target/matrix/bin/python tests/matrix/homeserver.py
"""

import hashlib
import hmac
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path

SERVER_NAME = "hs.test"
SECRET = "registration-secret-of-the-tests"
USERS = ["bot", "agent"]
LISTENING = re.compile(r"Site starting on (\d+)")
# How long Synapse may take to end in order.
PATIENCE = 10

LOG_CONFIG = {
    "version": 1,
    # Otherwise the modules that are loaded by then say nothing, the one that listens among them.
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"level": "INFO", "handlers": ["console"]},
}


def main():
    # So that Synapse is ended, and the directory removed, on this way out too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="homeserver-") as directory:
        server = start(Path(directory))
        try:
            base = base_url(server)
            threading.Thread(target=pass_on, args=[server.stderr], daemon=True).start()
            users = {name: register(base, name) for name in USERS}
            print(json.dumps({"ready": base, **users}), flush=True)
            sys.stdin.read()
        finally:
            end(server)


def start(directory):
    log_config = directory / "log.yaml"
    # JSON is YAML.
    log_config.write_text(json.dumps(LOG_CONFIG))
    configuration = directory / "homeserver.yaml"
    configuration.write_text(json.dumps(settings(directory, log_config)))
    command = [sys.executable, "-m", "synapse.app.homeserver", "--config-path", configuration]
    return subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=sys.stderr,
                            stderr=subprocess.PIPE, text=True)


def settings(directory, log_config):
    return {
        "server_name": SERVER_NAME,
        # Port 0: the system chooses one, and the log tells which.
        "listeners": [{"port": 0, "bind_addresses": ["127.0.0.1"], "type": "http", "tls": False,
                       "resources": [{"names": ["client"]}]}],
        "database": {"name": "sqlite3", "args": {"database": str(directory / "homeserver.db")}},
        "log_config": str(log_config),
        "pid_file": str(directory / "homeserver.pid"),
        "media_store_path": str(directory / "media"),
        "signing_key_path": str(directory / "signing.key"),
        "registration_shared_secret": SECRET,
        "macaroon_secret_key": SECRET,
        "form_secret": SECRET,
        "report_stats": False,
        # Nobody else's homeserver is asked for anything.
        "trusted_key_servers": [],
        "federation_domain_whitelist": [],
        # Passwords of the tests need no protection, and take time.
        "bcrypt_rounds": 4,
    }


def base_url(server):
    """Waits for the line of the log that names the port."""
    for line in server.stderr:
        sys.stderr.write(line)
        if found := LISTENING.search(line):
            return f"http://127.0.0.1:{found.group(1)}"
    raise SystemExit("the homeserver does not come up")


def pass_on(stream):
    for line in stream:
        sys.stderr.write(line)


def register(base, name):
    """Registers a user with the shared secret: Synapse's admin API, POST /_synapse/admin/v1/register."""
    url = f"{base}/_synapse/admin/v1/register"
    nonce = call(urllib.request.Request(url))["nonce"]
    password = f"password-of-{name}"
    content = "\0".join([nonce, name, password, "notadmin"])
    mac = hmac.new(SECRET.encode(), content.encode(), hashlib.sha1).hexdigest()
    body = {"nonce": nonce, "username": name, "password": password, "admin": False, "mac": mac}
    answer = call(urllib.request.Request(url, json.dumps(body).encode(),
                                         {"Content-Type": "application/json"}))
    return {"user_id": answer["user_id"], "access_token": answer["access_token"]}


def call(request):
    # Without the proxies that the environment may name.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        return json.load(answer)


def end(server):
    server.terminate()
    try:
        server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
