"""One bid through a running deployment, followed to the feed and to the totals; problems are printed.

Standard library only, so that it runs where nothing of Gavel is installed.
"""

import argparse
import json
import os
import queue
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

CLUSTER_HOST = "api.auction.local"
ADMIN_PORTS = {"bid-api": 9090, "bid-worker": 9091, "stats-api": 9092, "stats-worker": 9093}
# Chart and role of each process, as its pods' labels say.
WORKLOADS = {
    "bid-api": ("bid-service", "api"),
    "bid-worker": ("bid-service", "worker"),
    "stats-api": ("user-stats-service", "api"),
    "stats-worker": ("user-stats-service", "worker"),
}
START_PRICE = 1_000
ITEM_MINUTES = 10
CALL_SECONDS_MAX = 10.0
POLL_SECONDS = 0.1
# Directly: a proxy that the environment names can't reach this machine's loopback, and would cut the feed elsewhere.
open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class Wrong(Exception):
    """Something does not work; the text says what, and where to look."""


class NotFound(Wrong):
    """The service answered, and knows no such thing."""


class Api:
    """Calls of one service as JSON."""

    def __init__(self, url: str, service: str) -> None:
        self.url = url.rstrip("/")
        self._service = service

    def call(self, method: str, body: dict, token: str = "") -> dict:
        """The reply. Raises Wrong."""
        request = urllib.request.Request(
            f"{self.url}/{self._service}/{method}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"} | bearer(token),
        )
        try:
            with open_url(request, timeout=CALL_SECONDS_MAX) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            said = error.read(2_000).decode(errors="replace")
            kind = NotFound if '"not_found"' in said else Wrong
            raise kind(f"{method} was answered with {error.code}: {said}") from None
        except (OSError, ValueError) as error:
            raise Wrong(f"{method}: no answer from {self.url} ({reason(error)})") from None


class Watcher:
    """One stream of WatchItems, read by a thread of its own."""

    def __init__(self, api: Api, item_id: str, token: str) -> None:
        self._messages: queue.Queue[dict] = queue.Queue()
        threading.Thread(target=self._read, args=(api, item_id, token), daemon=True).start()

    def wait(self, what: str, is_it: Callable[[dict], bool], seconds_max: float) -> None:
        """Return when a message for which `is_it` holds has come. Raises Wrong."""
        deadline = time.monotonic() + seconds_max
        while True:
            try:
                message = self._messages.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise Wrong(f"no {what} came over WatchItems within {seconds_max:.0f} s") from None
            if "wrong" in message:
                # It stays the answer to whatever else is waited for.
                self._messages.put(message)
                raise Wrong(f"WatchItems ended before {what} came: {message['wrong']}")
            if is_it(message):
                return

    def _read(self, api: Api, item_id: str, token: str) -> None:
        try:
            self._messages.put({"wrong": self._stream(api, item_id, token)})
        except (OSError, HTTPException, ValueError, struct.error) as error:
            self._messages.put({"wrong": reason(error)})

    def _stream(self, api: Api, item_id: str, token: str) -> str:
        """Hand on each message; what the server said at the end."""
        url = urlsplit(api.url)
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        connection = kind(url.netloc, timeout=60)
        body = json.dumps({"items": [{"item_id": item_id}]}).encode()
        headers = {"Content-Type": "application/connect+json", "Connect-Protocol-Version": "1"} | bearer(token)
        connection.request(
            "POST", f"{url.path}/bids.v1.BidService/WatchItems", struct.pack(">BI", 0, len(body)) + body, headers
        )
        reply = connection.getresponse()
        if reply.status != 200:
            return f"{reply.status}: {reply.read(500).decode(errors='replace')}"
        while head := reply.read(5):
            flags, size = struct.unpack(">BI", head)
            message = json.loads(reply.read(size) or b"{}")
            if flags & 2:
                return json.dumps(message.get("error", "the server ended it"))
            self._messages.put(message)
        return "the connection was closed"


class Report:
    """One line a check; a wrong one does not keep the others from being made."""

    def __init__(self) -> None:
        self.wrong = 0

    def check(self, what: str, make: Callable[[], Any]) -> Any:
        """What the check found, None where it was wrong."""
        try:
            found = make()
        except Wrong as wrong:
            self.wrong += 1
            print(f"  WRONG  {what}: {wrong}", flush=True)
            return None
        print(f"  ok     {what}{'' if found is None or not isinstance(found, str) else ': ' + found}", flush=True)
        return found


def bearer(token: str) -> dict:
    """The header that carries a token, where there is one."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def reason(error: Exception) -> str:
    """An error in a few words."""
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    return str(getattr(inner, "strerror", None) or inner or type(inner).__name__).lower()


def probe(name: str, admin_url: str) -> str:
    """The version of a process that is alive and ready. Raises Wrong."""
    said = {}
    for page in ("livez", "readyz"):
        try:
            with open_url(f"{admin_url}/{page}", timeout=CALL_SECONDS_MAX) as reply:
                said |= json.load(reply)
        except urllib.error.HTTPError as error:
            problems = error.read(2_000).decode(errors="replace")
            raise Wrong(f"{name} runs and is not ready: {problems}") from None
        except (OSError, ValueError) as error:
            raise Wrong(f"{name} does not run: no answer at {admin_url}/{page} ({reason(error)})") from None
    return said.get("version", "unknown")


def pods(context: str, namespace: str) -> list:
    """Gavel's pods, as kubectl lists them. Raises Wrong."""
    if shutil.which("kubectl") is None:
        raise Wrong("kubectl is missing, so the pods' probes can't be looked at")
    command = ["kubectl", *(["--context", context] if context else []), "--namespace", namespace, "get", "pods"]
    command += ["--selector", "app.kubernetes.io/part-of=gavel"]
    done = subprocess.run([*command, "--output", "json"], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise Wrong(f"kubectl: {done.stderr.strip()}")
    return json.loads(done.stdout)["items"]


def workload(name: str, all_pods: list) -> str:
    """The image of a process whose pods are all ready. Raises Wrong."""
    chart, role = WORKLOADS[name]
    mine = [
        pod
        for pod in all_pods
        if pod["metadata"]["labels"].get("app.kubernetes.io/name") == chart
        and pod["metadata"]["labels"].get("app.kubernetes.io/component") == role
    ]
    if not mine:
        raise Wrong(f"{name} does not run: no pod of {chart} {role}; is the chart installed in this namespace?")
    for pod in mine:
        states = pod["status"].get("containerStatuses", [])
        if not states or not all(state["ready"] for state in states):
            waiting = [state["state"].get("waiting", {}).get("reason") for state in states]
            why = ", ".join(filter(None, waiting)) or pod["status"].get("phase", "unknown")
            raise Wrong(f"pod {pod['metadata']['name']} is not ready ({why}): kubectl describe pod says more")
    return mine[0]["spec"]["containers"][0]["image"]


def same_version(versions: dict) -> str:
    """The one version of all that answered. Raises Wrong."""
    if len(set(versions.values())) > 1:
        found = ", ".join(f"{name} is {version}" for name, version in versions.items())
        raise Wrong(f"not all are of one version: {found}")
    return next(iter(versions.values()))


def list_item(bids: Api, token: str) -> str:
    """List an item; its id. Raises Wrong."""
    end_at = datetime.now(timezone.utc) + timedelta(minutes=ITEM_MINUTES)  # noqa: UP017 - also for Python 3.9
    item = {"title": "Deployment check", "start_price": START_PRICE, "end_at": end_at.isoformat()}
    return bids.call("CreateItem", item | ({} if token else {"seller_id": str(uuid4())}), token)["item"]["id"]


def place_bid(bids: Api, item_id: str, bidder_id: str, token: str) -> dict:
    """Place a bid and read it back. Raises Wrong."""
    bid = {"item_id": item_id, "amount": START_PRICE, "idempotency_key": str(uuid4())}
    placed = bids.call("PlaceBid", bid | ({"user_id": bidder_id} if bidder_id else {}), token)["bid"]
    price = int(bids.call("GetItem", {"id": item_id}, token)["item"].get("currentHighestBid", 0))
    if price < START_PRICE:
        raise Wrong(f"a bid of {START_PRICE} was accepted and GetItem still says {price}")
    return placed


def last_counted(stats: Api, user_id: str, token: str) -> str:
    """When the user's newest counted bid was placed; empty before the first. Raises Wrong."""
    try:
        return moment(stats.call("GetUserStats", {"user_id": user_id}, token)["stats"].get("lastBidAt", ""))
    except NotFound:
        return ""


def moment(timestamp: str) -> str:
    """A timestamp of a reply, written so that the later is the greater."""
    seconds, _, fraction = timestamp.rstrip("Z").partition(".")
    return f"{seconds}.{fraction:0<9}" if seconds else ""


def wait_counted(stats: Api, bid: dict, token: str, seconds_max: float) -> None:
    """Return when the bid, or a later one of its bidder, has been counted. Raises Wrong."""
    deadline = time.monotonic() + seconds_max
    while last_counted(stats, bid["userId"], token) < moment(bid["createdAt"]):
        if time.monotonic() > deadline:
            raise Wrong(
                f"the bid was accepted and is not in the totals after {seconds_max:.0f} s: it waits in the outbox"
                " for bid-worker, or in the broker for stats-worker; nothing is lost"
            )
        time.sleep(POLL_SECONDS)


def follow_a_bid(report: Report, bids: Api, stats: Api, seconds_max: float) -> None:
    """From an item over a bid to the feed and the totals."""
    seller, bidder = os.environ.get("GAVEL_SELLER_TOKEN", ""), os.environ.get("GAVEL_BIDDER_TOKEN", "")
    bidder_id = "" if bidder else str(uuid4())
    item_id = report.check("an item is listed", lambda: list_item(bids, seller))
    if item_id is None:
        return
    watcher = Watcher(bids, item_id, bidder)
    report.check(
        "the feed shows the item",
        lambda: watcher.wait("snapshot", lambda message: message.get("snapshot", {}).get("id") == item_id, seconds_max),
    )
    placed = report.check("a bid is accepted", lambda: place_bid(bids, item_id, bidder_id, bidder))
    if placed is None:
        return
    report.check(
        "the feed shows the bid",
        lambda: watcher.wait(
            "bid",
            lambda message: message.get("event", {}).get("bidPlaced", {}).get("id") == placed["id"],
            seconds_max,
        ),
    )
    report.check("the bid is counted", lambda: wait_counted(stats, placed, bidder, seconds_max))


def resolves(host: str) -> bool:
    """Whether the name has an address here."""
    try:
        return bool(socket.gethostbyname(host))
    except OSError:
        return False


def options() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="verify-deployment.sh", description=__doc__)
    parser.add_argument(
        "where",
        nargs="?",
        choices=["up", "cluster", "calls"],
        help=f"cluster where {CLUSTER_HOST} is known; calls: look at no process, only call",
    )
    parser.add_argument("--api", help="URL of BidService")
    parser.add_argument("--stats", help="URL of UserStatsService")
    parser.add_argument("--admin", action="append", metavar="PROCESS=URL", help="admin address of a process")
    parser.add_argument("--context", default="", help="the cluster, as kubectl knows it; its current one unless said")
    parser.add_argument("--namespace", default="gavel", help="the pods' namespace")
    parser.add_argument(
        "--patience-seconds", type=float, default=30.0, help="how long the feed and the totals may take"
    )
    return parser.parse_args()


def main() -> int:
    """The exit status: 0 where all is well."""
    asked = options()
    in_cluster = asked.where == "cluster" or (asked.where is None and not asked.api and resolves(CLUSTER_HOST))
    api = asked.api or (f"http://{CLUSTER_HOST}" if in_cluster else "http://127.0.0.1:8080")
    stats = asked.stats or (api if in_cluster else "http://127.0.0.1:8081")
    print(f"BidService at {api}, UserStatsService at {stats}", flush=True)
    report, versions = Report(), {}
    if asked.where == "calls":
        probes = {}
    elif in_cluster:
        all_pods = report.check("the pods can be listed", lambda: pods(asked.context, asked.namespace))
        probes = {name: (lambda name=name: workload(name, all_pods)) for name in WORKLOADS if all_pods is not None}
    else:
        admin = dict(pair.split("=", 1) for pair in asked.admin or ())
        admin = admin or {name: f"http://127.0.0.1:{port}" for name, port in ADMIN_PORTS.items()}
        probes = {name: (lambda name=name, url=url: probe(name, url)) for name, url in admin.items()}
    for name, make in probes.items():
        if (version := report.check(f"{name} is alive and ready", make)) is not None:
            versions[name] = version
    if versions:
        report.check("all are of one version", lambda: same_version(versions))
    follow_a_bid(
        report, Api(api, "bids.v1.BidService"), Api(stats, "userstats.v1.UserStatsService"), asked.patience_seconds
    )
    print("All is well." if not report.wrong else f"{report.wrong} of the checks went wrong, as said above.")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
