import type { RemoteInfo, Socket } from "node:dgram";
import type { IncomingMessage } from "node:http";

import Server, {
  type AnnounceParams,
  type AnnounceResponse,
  type ServerSwarm,
} from "bittorrent-tracker/server";

import type { AnnounceBatch, AnnounceBatchAnswer } from "../core/announce-batch.ts";
import { AccessDeniedError, InvalidArgumentError } from "../core/errors.ts";
import { type InfoHash, parseInfoHash } from "../core/info-hash.ts";
import { type IpFamily, parseIp } from "../core/ip-address.ts";
import { type PeerAddress, parsePeerAddress } from "../core/peer-address.ts";
import type { Clock } from "../core/ports/clock.ts";
import { AnnouncedPlaces } from "./announced-places.ts";
import type { Random } from "./peer-group.ts";
import { familyOfKey, peerKeyOf, peerOfKey } from "./peer-key.ts";
import type { PeerWish } from "./swarm.ts";
import type { SwarmTable } from "./swarm-table.ts";
import { takeBatch } from "./take-batch.ts";
import type { UdpGate } from "./udp/udp-gate.ts";

/** How often peers should announce, and whose announces are taken. */
export interface AnnounceSettings {
  readonly announceIntervalMs: number;
  /** Sooner than this nobody should come back, also who is short of peers. */
  readonly announceIntervalMinMs: number;
  /** How often who announces in batches is heard of at least, for all of its swarms. */
  readonly heartbeatMs: number;
  /** Whether a peer may say by HTTP parameters (`ip`, `ipv4`, `ipv6`) that it is elsewhere, too. */
  readonly trustIpParameter: boolean;
}

/** What {@link AnnounceServer} works with. */
export interface AnnounceServerDeps {
  readonly swarms: SwarmTable;
  readonly udpGate: UdpGate;
  /** Whether announces of that torrent are taken. Also a sign that it is in use. */
  readonly allows: (infoHash: InfoHash) => boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: AnnounceSettings;
}

/** Any value but 0 and 1 makes the package leave `peers` to us, and be fast. */
const encodedHere = 2;

/** Peers that announced together shall not come back together: up to so much earlier or later. */
const intervalJitter = 0.1;

/**
 * bittorrent-tracker's server over swarms of our own: theirs walk over all peers to
 * draw some. Sockets are brought by the caller: HTTP requests are handed to
 * `onHttpRequest`, a UDP socket is given to {@link serveUdp}.
 *
 * @see BEP 3, BEP 7, BEP 15, BEP 23
 */
export class AnnounceServer extends Server {
  readonly #deps: AnnounceServerDeps;
  readonly #places = new AnnouncedPlaces();

  constructor(deps: AnnounceServerDeps) {
    super({
      interval: deps.settings.announceIntervalMs,
      http: false,
      udp: false,
      ws: false,
      stats: false,
    });
    this.#deps = deps;
  }

  /** Answers what comes in on a socket of either family, or of both. It stays the caller's. */
  serveUdp(socket: Socket): void {
    this.udp4 = this.udp6 = socket;
    socket.on("message", (message, remote) => this.onUdpRequest(message, remote));
  }

  override onUdpRequest(message: Buffer, remote: RemoteInfo): void {
    const socket = remote.family === "IPv4" ? this.udp4 : this.udp6;
    const verdict = this.#deps.udpGate.admit(message, remote.address);
    if (verdict.kind === "pass") super.onUdpRequest(verdict.message, remote);
    // A source port of 0 cannot be answered, and to ask for it is an exception.
    else if (verdict.kind === "answer" && remote.port > 0) {
      socket?.send(verdict.message, remote.port, remote.address);
    }
  }

  /** Every info hash has a swarm here, if only an empty one: peers make it real. */
  override getSwarm(
    text: string,
    callback: (error: Error | null, swarm?: ServerSwarm) => void,
  ): void {
    callback(null, {
      announce: (params, done) => settle(() => this.#announce(text, params), done),
      scrape: (_params, done) => settle(() => this.scrape(parseInfoHash(text)), done),
    });
  }

  /** How many seeders and leechers a torrent has. @see BEP 48 */
  scrape(infoHash: InfoHash): { readonly complete: number; readonly incomplete: number } {
    const { seeders, leechers } = this.#deps.swarms.counts(infoHash);
    return { complete: seeders, incomplete: leechers };
  }

  /** Takes many announces of a peer that asks for nobody. @throws {InvalidArgumentError} */
  announceBatch(batch: AnnounceBatch, request: IncomingMessage): AnnounceBatchAnswer {
    const { swarms, allows, clock, settings } = this.#deps;
    const host = request.socket.remoteAddress ?? "";
    const place = { host, port: batch.port, request };
    return takeBatch(batch, {
      place: this.#places.placeIn(request.url ?? ""),
      addresses: addressesOf(place, settings.trustIpParameter),
      ...{ swarms, allows, heartbeatMs: settings.heartbeatMs },
      intervalSeconds: this.#intervals().interval,
      nowMs: clock.monotonicMs(),
    });
  }

  #announce(text: string, params: AnnounceParams): AnnounceResponse {
    const { swarms, clock, settings } = this.#deps;
    const infoHash = parseInfoHash(text);
    if (!this.#deps.allows(infoHash)) {
      throw new AccessDeniedError("Cannot announce: the torrent is not in the directory");
    }
    const { ip: host, port, httpReq: request } = params;
    const addresses = addressesOf({ host, port, request }, settings.trustIpParameter);
    const [key, ...otherKeys] = addresses.map(peerKeyOf);
    if (key === undefined) throw new InvalidArgumentError("Cannot announce: no usable IP address");

    // Some clients tell that they are complete, and not that nothing is left.
    const seeder = params.left === 0 || params.event === "completed";
    const family = familyOfKey(key);
    const { peer_id: peerId } = params;
    const place = this.#places.placeIn(request?.url ?? "");
    const stopped = params.event === "stopped";
    for (const each of [key, ...otherKeys]) {
      if (each === undefined) continue;
      const peer = { key: each, family: familyOfKey(each), peerId, place, seeder };
      if (stopped) swarms.remove(infoHash, each);
      else swarms.put(infoHash, peer, clock.monotonicMs());
    }

    const wish = {
      // BEP 15 has no room for the other family.
      families: params.type === "udp" ? [family] : ([4, 6] as const),
      countMax: stopped || !(params.numwant > 0) ? 0 : Math.floor(params.numwant),
      leechersOnly: seeder,
      place,
      except: { key, family, peerId },
    };
    const admission = swarms.admissionOf(wish.except);
    return {
      ...this.scrape(infoHash),
      ...this.#intervals(),
      ...(admission !== undefined && { admission }),
      ...this.#peers(params, infoHash, wish),
    };
  }

  #intervals(): { readonly interval: number; readonly "min interval": number } {
    const { announceIntervalMs, announceIntervalMinMs } = this.#deps.settings;
    const factor = 1 + (this.#deps.random() * 2 - 1) * intervalJitter;
    return {
      interval: Math.ceil((announceIntervalMs * factor) / 1000),
      "min interval": Math.ceil(announceIntervalMinMs / 1000),
    };
  }

  #peers(
    params: AnnounceParams,
    infoHash: InfoHash,
    wish: PeerWish,
  ): Pick<AnnounceResponse, "peers" | "peers6"> {
    const sample = this.#deps.swarms.sample(infoHash, wish);
    const wantsList = params.type === "http" && params.compact !== 1;
    params.compact = encodedHere;
    if (wantsList) {
      const peers = sample.map(({ tracked }) => {
        const { host, port } = peerOfKey(tracked.key);
        return { ip: host, "peer id": Buffer.from(tracked.peerId, "hex"), port };
      });
      return { peers };
    }
    const compact = (family: IpFamily) =>
      Buffer.from(
        sample
          .filter(({ tracked }) => tracked.family === family)
          .map(({ tracked }) => tracked.key)
          .join(""),
        "latin1",
      );
    if (params.type === "udp") return { peers: compact(wish.families[0] ?? 4) };
    const peers6 = compact(6);
    return peers6.length > 0 ? { peers: compact(4), peers6 } : { peers: compact(4) };
  }
}

/**
 * Where a peer is: where its socket is, unless it is trusted to know better; then also its
 * addresses of other families.
 */
function addressesOf(
  { host, port, request }: PeerAddress & { readonly request: IncomingMessage | undefined },
  trustIpParameter: boolean,
): PeerAddress[] {
  if (!trustIpParameter || !request) return [{ host, port }];
  const query = new URLSearchParams(request.url?.split("?")[1] ?? "");
  const others = ["ipv4", "ipv6"].flatMap((name) => endpointIn(query.get(name), port));
  return [{ host: query.get("ip") ?? host, port }, ...others];
}

/** An address, which may have a port of its own. @see BEP 7 */
function endpointIn(text: string | null, port: number): PeerAddress[] {
  if (text === null) return [];
  if (parseIp(text)) return [{ host: text, port }];
  try {
    return [parsePeerAddress(text)];
  } catch (error) {
    if (error instanceof InvalidArgumentError) return [];
    throw error;
  }
}

/** Gives a result, or what was thrown, to a callback. */
function settle<T>(work: () => T, done: (error: Error | null, value?: T) => void): void {
  let value: T;
  try {
    value = work();
  } catch (error) {
    done(error instanceof Error ? error : new Error("Cannot answer", { cause: error }));
    return;
  }
  done(null, value);
}
