import type { AnnounceBatch, AnnounceBatchAnswer } from "../core/announce-batch.ts";
import { InvalidArgumentError, StorageFullError } from "../core/errors.ts";
import type { InfoHash } from "../core/info-hash.ts";
import type { PeerAddress } from "../core/peer-address.ts";
import type { Place } from "../core/topology.ts";
import { familyOfKey, peerKeyOf } from "./peer-key.ts";
import type { SwarmTable } from "./swarm-table.ts";

/** What {@link takeBatch} works with. */
export interface TakeBatchDeps {
  readonly swarms: SwarmTable;
  /** Whether announces of that torrent are taken. */
  readonly allows: (infoHash: InfoHash) => boolean;
  readonly intervalSeconds: number;
  readonly heartbeatMs: number;
  readonly nowMs: number;
  /** Where the peer says that it is. */
  readonly place?: Place | undefined;
}

/**
 * Takes in what a peer announces together, for each of its addresses. What is not taken is told,
 * and hinders nothing else.
 *
 * @throws {InvalidArgumentError} when there is no address that can be used.
 */
export function takeBatch(
  { peerId, seeding, stopped }: AnnounceBatch,
  { addresses, ...deps }: TakeBatchDeps & { readonly addresses: readonly PeerAddress[] },
): AnnounceBatchAnswer {
  const { swarms, nowMs, place } = deps;
  const id = Buffer.from(peerId).toString("hex");
  const peers = addresses
    .map(peerKeyOf)
    .filter((key) => key !== undefined)
    .map((key) => ({ key, family: familyOfKey(key), peerId: id, place, seeder: true }));
  if (peers.length === 0) throw new InvalidArgumentError("Cannot announce: no usable IP address");

  const refused = new Set<InfoHash>();
  let admission: number | undefined;
  for (const peer of peers) {
    for (const infoHash of stopped) swarms.remove(infoHash, peer.key);
    for (const infoHash of seeding) {
      if (!deps.allows(infoHash) || !hasRoom(() => swarms.put(infoHash, peer, nowMs))) {
        refused.add(infoHash);
      }
    }
    const admitted = swarms.beat(peer, nowMs);
    admission ??= admitted;
  }
  return {
    intervalSeconds: deps.intervalSeconds,
    heartbeatSeconds: toldHeartbeatSeconds(deps.heartbeatMs),
    admission,
    refused: [...refused],
  };
}

/** Answers have whole seconds. What a peer is told is what it is held to. */
export function toldHeartbeatSeconds(heartbeatMs: number): number {
  return Math.ceil(heartbeatMs / 1000);
}

function hasRoom(put: () => void): boolean {
  try {
    put();
    return true;
  } catch (error) {
    if (error instanceof StorageFullError) return false;
    throw error;
  }
}
