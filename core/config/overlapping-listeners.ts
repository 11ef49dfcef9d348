import { type PeerAddress, formatPeerAddress, normalizePeerAddress } from "../peer-address.ts";
import type { ConfigProblem } from "./describe-issue.ts";
import { type ConfigPath, formatConfigPath } from "./yaml-source.ts";

/** An address that a configuration has something listen at. */
export interface ConfiguredListener {
  readonly path: ConfigPath;
  readonly address: PeerAddress;
}

/** Tells of each that cannot listen, because one before it does: only one of them may have a port. */
export function* overlappingListeners(
  listeners: readonly ConfiguredListener[],
): Generator<ConfigProblem> {
  for (const [index, { path, address }] of listeners.entries()) {
    const other = listeners.slice(0, index).find((before) => overlap(before.address, address));
    if (!other) continue;
    const taken = `${formatConfigPath(other.path)} has ${formatPeerAddress(other.address)}`;
    const message = `is ${formatPeerAddress(address)}, but ${taken}, want another port`;
    yield { path, message };
  }
}

/** Port 0 is any free one. "[::]" takes addresses of both families. */
function overlap(a: PeerAddress, b: PeerAddress): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  const hosts = [normalizePeerAddress(a).host, normalizePeerAddress(b).host];
  const hasIpv6 = hosts.some((host) => host.includes(":"));
  return hosts[0] === hosts[1] || hosts.includes("::") || (hosts.includes("0.0.0.0") && !hasIpv6);
}
