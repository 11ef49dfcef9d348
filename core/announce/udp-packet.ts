import { decodeCompactPeers } from "../compact-peers.ts";
import { AccessDeniedError, UnavailableError } from "../errors.ts";
import type { IpFamily } from "../ip-address.ts";
import type { PeerAddress } from "../peer-address.ts";
import { type AnnounceRequest, peersMax } from "./tracker-client.ts";

/** Actions of BEP 15. */
const actions = { connect: 0, announce: 1, error: 3 } as const;

/** Numbers of the events, as they stand in an announce. */
const eventNumbers = { completed: 1, started: 2, stopped: 3 } as const;

/** What a client writes in place of a connection id when it has none. */
const protocolId = 0x41727101980n;

/** Bytes before the peers of an announce answer. */
const announceHeaderLength = 20;

/** Packets are told apart by it: 32 bits, drawn at random. */
export type TransactionId = number;

/** An answer to an announce. */
export interface UdpAnnounceAnswer {
  readonly intervalSeconds: number;
  readonly peers: readonly PeerAddress[];
}

/** Asks for a connection id. @see BEP 15 */
export function encodeConnect(transactionId: TransactionId): Buffer {
  const packet = Buffer.alloc(16);
  packet.writeBigUInt64BE(protocolId, 0);
  packet.writeUInt32BE(actions.connect, 8);
  packet.writeUInt32BE(transactionId, 12);
  return packet;
}

/** @see BEP 15 */
export function encodeAnnounce(
  request: AnnounceRequest,
  options: {
    readonly transactionId: TransactionId;
    readonly connectionId: Uint8Array;
    /** Ours, 20 bytes. */
    readonly peerId: Uint8Array;
    /** The same in all announces of a run, so that a tracker knows us after our address changed. */
    readonly key: number;
  },
): Buffer {
  const packet = Buffer.alloc(98);
  packet.set(options.connectionId, 0);
  packet.writeUInt32BE(actions.announce, 8);
  packet.writeUInt32BE(options.transactionId, 12);
  packet.write(request.infoHash, 16, "hex");
  packet.set(options.peerId, 36);
  packet.writeBigUInt64BE(BigInt(request.downloaded), 56);
  packet.writeBigUInt64BE(BigInt(request.left), 64);
  packet.writeBigUInt64BE(BigInt(request.uploaded), 72);
  packet.writeUInt32BE(request.event ? eventNumbers[request.event] : 0, 80);
  packet.writeUInt32BE(options.key, 88);
  packet.writeUInt32BE(request.peersWanted, 92);
  packet.writeUInt16BE(request.port, 96);
  return packet;
}

/** The transaction that a packet answers; `undefined` when it is too short to answer any. */
export function transactionIdOf(packet: Buffer): TransactionId | undefined {
  return packet.length < 8 ? undefined : packet.readUInt32BE(4);
}

/**
 * The connection id in the answer to a connect.
 *
 * @throws {UnavailableError} when it is none.
 * @throws {AccessDeniedError} when it is an error.
 */
export function parseConnectAnswer(packet: Buffer): Buffer {
  checkAction(packet, actions.connect, 16);
  return Buffer.from(packet.subarray(8, 16));
}

/**
 * @param options.family Family of the socket that it came on, which is that of the peers.
 * @throws {UnavailableError} when it is none.
 * @throws {AccessDeniedError} when it is an error.
 */
export function parseAnnounceAnswer(
  packet: Buffer,
  { family }: { readonly family: IpFamily },
): UdpAnnounceAnswer {
  checkAction(packet, actions.announce, announceHeaderLength);
  const peers = packet.subarray(announceHeaderLength);
  try {
    return {
      intervalSeconds: packet.readUInt32BE(8),
      peers: decodeCompactPeers(peers, { family, countMax: peersMax }),
    };
  } catch (cause) {
    throw new UnavailableError("Cannot read the tracker's answer: bad peers", { cause });
  }
}

function checkAction(packet: Buffer, wanted: number, lengthMin: number): void {
  const action = packet.length < 8 ? undefined : packet.readUInt32BE(0);
  if (action === actions.error) throw new AccessDeniedError("Cannot announce: tracker refuses");
  if (action !== wanted || packet.length < lengthMin) {
    throw new UnavailableError("Cannot read the tracker's answer");
  }
}
