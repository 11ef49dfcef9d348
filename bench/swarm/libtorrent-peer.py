"""A libtorrent-rasterbar peer, to be compared with. Started by start-peer.ts.

Its only argument is JSON as peer-spec.ts has it; it says and hears what that file says.
"""
import json
import os
import signal
import sys
import time

import libtorrent

spec = json.loads(sys.argv[1])
signals = {signal.SIGUSR2, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)


def say(line):
    print(line, flush=True)


def wait_for(number):
    while signal.sigwait(signals) != number:
        pass


# Its defaults, without what finds peers elsewhere and without encryption.
session = libtorrent.session({
    "listen_interfaces": "%s:%d" % (spec["host"], spec["port"]),
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_outgoing_utp": False,
    "enable_incoming_utp": False,
    "allow_multiple_connections_per_ip": True,
    "out_enc_policy": 2,
    "in_enc_policy": 2,
    "alert_mask": libtorrent.alert.category_t.status_notification
    | libtorrent.alert.category_t.error_notification,
})

parameters = libtorrent.add_torrent_params()
parameters.ti = libtorrent.torrent_info(spec["torrentPath"])
parameters.save_path = spec["directory"]
parameters.flags &= ~libtorrent.torrent_flags.auto_managed
parameters.flags &= ~libtorrent.torrent_flags.paused
if "tracker" in spec:
    parameters.trackers = [spec["tracker"]]


def wait_for_alert(kind):
    while True:
        session.wait_for_alert(1000)
        for alert in session.pop_alerts():
            if isinstance(alert, kind):
                return
            if isinstance(alert, libtorrent.torrent_error_alert):
                sys.exit(alert.message())


if spec["role"] == "seed":
    parameters.flags |= libtorrent.torrent_flags.seed_mode
    session.add_torrent(parameters)
    say("ready")
else:
    say("ready")
    wait_for(signal.SIGUSR2)
    start = time.monotonic()
    handle = session.add_torrent(parameters)
    handle.connect_peer((spec["seeder"]["host"], spec["seeder"]["port"]))
    wait_for_alert(libtorrent.torrent_finished_alert)
    checked = time.monotonic() - start
    path = os.path.join(spec["directory"], parameters.ti.name())
    descriptor = os.open(path, os.O_RDWR)
    os.fdatasync(descriptor)
    os.close(descriptor)
    durable = time.monotonic() - start
    say("done %.1f %.1f" % (checked * 1000, durable * 1000))
wait_for(signal.SIGTERM)
# Its own end says goodbye to trackers, which nobody waits for.
os._exit(0)
