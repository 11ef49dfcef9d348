import { createHash } from "node:crypto";

/** A peer of a crowd: one address for all, a port and a peer id for each. */
export interface CrowdPeer {
  readonly port: number;
  /** 20 bytes. */
  readonly peerId: Buffer;
}

const peersWanted = 50;
const infoHash = createHash("sha1").update("swarm").digest();

export function crowdPeer(index: number): CrowdPeer {
  const number = String(index).padStart(12, "0");
  return { port: 10_000 + index, peerId: Buffer.from(`-SH0001-${number}`) };
}

/** An announce over UDP of a peer that wants others. @see BEP 15 */
export function udpAnnounce({ port, peerId }: CrowdPeer): Buffer {
  const packet = Buffer.alloc(98);
  packet.writeUInt32BE(1, 8);
  packet.set(infoHash, 16);
  packet.set(peerId, 36);
  packet.writeBigUInt64BE(BigInt(1), 64);
  packet.writeUInt32BE(port, 88);
  packet.writeUInt32BE(peersWanted, 92);
  packet.writeUInt16BE(port, 96);
  return packet;
}

/** The same over HTTP. @see BEP 3 */
export function httpAnnounce({ port, peerId }: CrowdPeer): Buffer {
  const query = [
    `info_hash=${infoHash.toString("latin1").replace(/[^]/g, percentEncoded)}`,
    ...[`peer_id=${peerId.toString()}`, `port=${port}`, "uploaded=0", "downloaded=0"],
    ...["left=1", `numwant=${peersWanted}`, "compact=1"],
  ];
  return Buffer.from(`GET /announce?${query.join("&")} HTTP/1.1\r\nHost: tracker\r\n\r\n`);
}

function percentEncoded(character: string): string {
  return `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
