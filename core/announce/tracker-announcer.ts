import { randomInt } from "node:crypto";
import { lookup as systemLookup } from "node:dns";
import type { LookupFunction } from "node:net";

import { InvalidArgumentError } from "../errors.ts";
import type { AnnouncedTorrent, Announcement, Announcer } from "../ports/announcer.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Place } from "../topology.ts";
import { HttpTrackerClient } from "./http-tracker-client.ts";
import type { TrackerClient } from "./tracker-client.ts";
import { trackerHostsOf } from "./tracker-host.ts";
import { TrackerSession } from "./tracker-session.ts";
import { UdpTrackerClient } from "./udp-tracker-client.ts";

/** What {@link TrackerAnnouncer} works with. */
export interface TrackerAnnouncerDeps {
  /** Announce URLs, `http:`, `https:` or `udp:`. Repeated ones count once. */
  readonly trackers: readonly string[];
  /** Ours, 20 bytes, the same that our handshakes carry. */
  readonly peerId: Uint8Array;
  /** Where this host is. Told by HTTP only. */
  readonly place?: Place | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Gives the addresses of names; left out: the system does. */
  readonly lookup?: LookupFunction;
}

/** Milliseconds for all goodbyes to all trackers: who is not told forgets us by itself. */
const goodbyeTimeoutMs = 800;

/**
 * Announces to all trackers at once. Each is used as if it were the only one; so is each way
 * to one whose name may have addresses of both families.
 */
export class TrackerAnnouncer implements Announcer {
  readonly #sessions: readonly TrackerSession[];
  readonly #announced = new Set<AnnouncedTorrent>();

  /** @throws {InvalidArgumentError} when a URL is none of a tracker that can be used. */
  constructor(deps: TrackerAnnouncerDeps) {
    const key = randomUint32();
    const clients = [...new Set(deps.trackers)].flatMap((url) => createClients(url, key, deps));
    const { clock, logger } = deps;
    this.#sessions = clients.map(
      (client) => new TrackerSession({ client, clock, logger, random: Math.random }),
    );
  }

  announce(torrent: AnnouncedTorrent): Announcement {
    this.#announced.add(torrent);
    for (const session of this.#sessions) session.join(torrent);
    return {
      completed: () => this.#sessions.forEach((session) => session.completed(torrent)),
      hurry: () => this.#sessions.forEach((session) => session.hurry(torrent)),
      // The goodbye goes its way: nobody has to wait for it but the announcer's own end.
      [Symbol.asyncDispose]: async () => this.#leave(torrent),
    };
  }

  /** Says goodbye for all torrents that are left, within {@link goodbyeTimeoutMs}. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const torrent of [...this.#announced]) this.#leave(torrent);
    const signal = AbortSignal.timeout(goodbyeTimeoutMs);
    await Promise.all(this.#sessions.map((session) => session.end(signal)));
  }

  #leave(torrent: AnnouncedTorrent): void {
    if (!this.#announced.delete(torrent)) return;
    for (const session of this.#sessions) session.leave(torrent);
  }
}

/** @param key Ours, the same for all trackers. */
function createClients(text: string, key: number, deps: TrackerAnnouncerDeps): TrackerClient[] {
  const { peerId, place: whereabouts, clock, lookup = systemLookup } = deps;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const ours = { peerId, key, lookup };
  if (url?.protocol === "http:" || url?.protocol === "https:") {
    const places = trackerHostsOf(url, lookup);
    return places.map((place) => new HttpTrackerClient(url, { place, whereabouts, ...ours }));
  }
  if (url?.protocol === "udp:" && url.port !== "") {
    const places = trackerHostsOf(url, lookup);
    return places.map((place) => new UdpTrackerClient({ place, ...ours, clock, randomUint32 }));
  }
  // Not shown whole: announce URLs of some trackers are secrets.
  throw new InvalidArgumentError(`Cannot use a tracker with the scheme ${url?.protocol ?? "none"}`);
}

function randomUint32(): number {
  return randomInt(2 ** 32);
}
