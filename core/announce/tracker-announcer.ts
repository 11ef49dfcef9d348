import { randomInt } from "node:crypto";

import { InvalidArgumentError } from "../errors.ts";
import type { AnnouncedTorrent, Announcement, Announcer } from "../ports/announcer.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import { HttpTrackerClient } from "./http-tracker-client.ts";
import type { TrackerClient } from "./tracker-client.ts";
import { TrackerSession } from "./tracker-session.ts";
import { UdpTrackerClient } from "./udp-tracker-client.ts";

/** What {@link TrackerAnnouncer} works with. */
export interface TrackerAnnouncerDeps {
  /** Announce URLs, `http:`, `https:` or `udp:`. Repeated ones count once. */
  readonly trackers: readonly string[];
  /** Ours, 20 bytes, the same that our handshakes carry. */
  readonly peerId: Uint8Array;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Milliseconds for all goodbyes to all trackers: who is not told forgets us by itself. */
const goodbyeTimeoutMs = 800;

/** Announces to all trackers at once. Each is used as if it were the only one. */
export class TrackerAnnouncer implements Announcer {
  readonly #sessions: readonly TrackerSession[];
  readonly #announced = new Set<AnnouncedTorrent>();

  /** @throws {InvalidArgumentError} when a URL is none of a tracker that can be used. */
  constructor(deps: TrackerAnnouncerDeps) {
    const clients = [...new Set(deps.trackers)].map((url) => createClient(url, deps));
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

function createClient(text: string, { peerId, clock }: TrackerAnnouncerDeps): TrackerClient {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") {
    return new HttpTrackerClient(url, { peerId });
  }
  if (url?.protocol === "udp:" && url.port !== "") {
    const server = { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port) };
    return new UdpTrackerClient(server, { peerId, clock, randomUint32 });
  }
  // Not shown whole: announce URLs of some trackers are secrets.
  throw new InvalidArgumentError(`Cannot use a tracker with the scheme ${url?.protocol ?? "none"}`);
}

function randomUint32(): number {
  return randomInt(2 ** 32);
}
