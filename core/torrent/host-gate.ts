import { normalizePeerAddress } from "../peer-address.ts";

/** Offences of one host within {@link offenceMs} that make it unwelcome: one may be a mishap. */
const offencesMax = 8;

/** Milliseconds after which offences are forgotten, and for which a host is not let in. */
const offenceMs = 60_000;

/** Hosts whose offences are remembered; the oldest are forgotten first. */
const hostsMax = 4096;

interface Host {
  connections: number;
  offences: number;
  /** When the first of the offences was, or when the host became unwelcome. */
  sinceMs: number;
  isBarred: boolean;
  /** That it has too many connections was told. */
  isCrowdTold: boolean;
  /** When it was last told that something there speaks otherwise than peers do. */
  strangeAtMs: number;
}

export interface HostGateDeps {
  /** Connections that one host may have to us at once. */
  readonly connectionsPerHostMax: number;
  readonly now: () => number;
  readonly onWarning: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/**
 * Decides which hosts may connect to us: each has a bounded number of connections, and one that
 * keeps breaking the protocol is not let in for a while. Knows no sockets; time is given.
 */
export class HostGate {
  readonly #deps: HostGateDeps;
  readonly #hosts = new Map<string, Host>();

  constructor(deps: HostGateDeps) {
    this.#deps = deps;
  }

  /** Whether a host may have one more connection, which then is its until {@link left}. */
  admit(address: string): boolean {
    const host = this.#find(address);
    if (host.isBarred) return false;
    if (host.connections < this.#deps.connectionsPerHostMax) {
      host.connections++;
      return true;
    }
    if (!host.isCrowdTold) {
      host.isCrowdTold = true;
      const { connections } = host;
      this.#deps.onWarning("a host has too many connections", { host: address, connections });
    }
    return false;
  }

  /** A connection that was admitted has ended. */
  left(address: string): void {
    const host = this.#find(address);
    host.connections--;
    this.#forgetIfClean(address, host);
  }

  /**
   * Something on a host speaks otherwise than peers do. That costs one connection for a moment, and
   * may be a probe beside nodes that share the address: told now and then, and nothing more.
   */
  wasStrange(address: string, reason: string): void {
    const host = this.#find(address);
    const nowMs = this.#deps.now();
    if (nowMs - host.strangeAtMs < offenceMs) return;
    host.strangeAtMs = nowMs;
    this.#deps.onWarning("hung up on what is no peer", { host: address, reason });
  }

  /** A peer on a host did what no node does. The first time is told, and the last. */
  offended(address: string, reason: string): void {
    const host = this.#find(address);
    if (host.isBarred) return;
    const { now, onWarning } = this.#deps;
    if (host.offences++ === 0) {
      host.sinceMs = now();
      onWarning("peer broke the protocol", { peer: address, reason });
    }
    if (host.offences < offencesMax) return;
    host.isBarred = true;
    host.sinceMs = now();
    onWarning("a host is not let in any more", { host: address, reason, forMs: offenceMs });
  }

  #find(address: string): Host {
    const key = keyOf(address);
    let host = this.#hosts.get(key);
    if (!host) {
      if (this.#hosts.size >= hostsMax) this.#makePlace();
      host = {
        ...{ connections: 0, offences: 0, sinceMs: 0, strangeAtMs: -Infinity },
        ...{ isBarred: false, isCrowdTold: false },
      };
      this.#hosts.set(key, host);
    }
    if (host.offences > 0 && this.#deps.now() - host.sinceMs >= offenceMs) {
      host.offences = 0;
      host.isBarred = false;
    }
    return host;
  }

  #forgetIfClean(address: string, { connections, offences, strangeAtMs }: Host): void {
    const isTold = this.#deps.now() - strangeAtMs < offenceMs;
    if (connections === 0 && offences === 0 && !isTold) this.#hosts.delete(keyOf(address));
  }

  /** Those with connections are kept: their number is bounded elsewhere. */
  #makePlace(): void {
    for (const [key, { connections }] of this.#hosts) {
      if (connections > 0) continue;
      this.#hosts.delete(key);
      return;
    }
  }
}

/** The same for IPv4 and for its form on a socket of both families. */
function keyOf(address: string): string {
  return normalizePeerAddress({ host: address, port: 0 }).host;
}
