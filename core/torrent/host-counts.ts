import { ipLengths, parseIp } from "../ip-address.ts";
import type { PeerAddress } from "../peer-address.ts";

/** Bytes of the network in an IPv6 address. */
const networkLength = 8;

/** How many of some addresses are of each host, and of each IPv6 network of 64 bits, which may be all one host's. */
export class HostCounts {
  readonly #ofHosts = new Map<string, number>();
  readonly #ofNetworks = new Map<string, number>();

  /** @param addresses In the one form that equal addresses have. */
  constructor(addresses: Iterable<PeerAddress>) {
    for (const each of addresses) this.add(each);
  }

  add({ host }: PeerAddress): void {
    const network = networkOf(host);
    this.#ofHosts.set(host, (this.#ofHosts.get(host) ?? 0) + 1);
    this.#ofNetworks.set(network, (this.#ofNetworks.get(network) ?? 0) + 1);
  }

  ofHost({ host }: PeerAddress): number {
    return this.#ofHosts.get(host) ?? 0;
  }

  /** By IPv4, where addresses are dear, each host is a network. */
  ofNetwork({ host }: PeerAddress): number {
    return this.#ofNetworks.get(networkOf(host)) ?? 0;
  }
}

/** What all addresses of a network have in common. */
export function networkOf(host: string): string {
  const bytes = host.includes(":") ? parseIp(host) : undefined;
  if (bytes?.length !== ipLengths[6]) return host;
  return bytes.subarray(0, networkLength).toString("latin1");
}
