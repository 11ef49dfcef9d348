import { InvalidArgumentError } from "../errors.ts";

/** A part of a piece: what is asked for and answered at once. */
export interface Block {
  readonly index: number;
  /** Where it starts in its piece, in bytes. */
  readonly begin: number;
  readonly length: number;
}

/** A message between peers, but for `piece`, whose bytes never become a message. */
export type WireMessage =
  | { readonly type: "choke" | "unchoke" | "interested" | "notInterested" }
  | { readonly type: "have"; readonly index: number }
  /** The bytes are a view of the receive buffer: copy what must live longer. */
  | { readonly type: "bitfield"; readonly bytes: Uint8Array }
  | { readonly type: "request" | "cancel"; readonly block: Block }
  | { readonly type: "extended"; readonly id: number; readonly payload: Uint8Array }
  /** Another extension's; BEP 3 wants them ignored. */
  | { readonly type: "unknown"; readonly id: number };

/** Numbers of the messages. @see BEP 3, BEP 10 */
export const messageIds = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  notInterested: 3,
  have: 4,
  bitfield: 5,
  request: 6,
  piece: 7,
  cancel: 8,
  extended: 20,
} as const;

/** Length prefix, id, index, begin: what precedes the bytes of a block. */
export const pieceHeaderLength = 13;

const signals = ["choke", "unchoke", "interested", "notInterested"] as const;

/** @throws {InvalidArgumentError} when the body does not have the length that the id asks for. */
export function parseMessage(id: number, body: Buffer): WireMessage {
  const signal = signals[id];
  if (signal) return { type: signal, ...lengthChecked(id, body, 0) };
  switch (id) {
    case messageIds.have:
      lengthChecked(id, body, 4);
      return { type: "have", index: body.readUInt32BE(0) };
    case messageIds.bitfield:
      return { type: "bitfield", bytes: body };
    case messageIds.request:
    case messageIds.cancel:
      lengthChecked(id, body, 12);
      return { type: id === messageIds.request ? "request" : "cancel", block: blockIn(body) };
    case messageIds.extended:
      if (body.length < 1) throw new InvalidArgumentError("Cannot read extended message: empty");
      return { type: "extended", id: body.readUInt8(0), payload: body.subarray(1) };
    default:
      return { type: "unknown", id };
  }
}

function lengthChecked(id: number, body: Buffer, length: number): object {
  if (body.length === length) return {};
  throw new InvalidArgumentError(`Cannot read message ${id}: body of ${body.length} bytes`);
}

function blockIn(body: Buffer): Block {
  return {
    index: body.readUInt32BE(0),
    begin: body.readUInt32BE(4),
    length: body.readUInt32BE(8),
  };
}

/** Renders a message without a body. */
export function encodeSignal(type: (typeof signals)[number]): Buffer {
  return Buffer.from([0, 0, 0, 1, messageIds[type]]);
}

export function encodeHave(index: number): Buffer {
  const message = Buffer.allocUnsafe(9);
  message.writeUInt32BE(5, 0);
  message.writeUInt8(messageIds.have, 4);
  message.writeUInt32BE(index, 5);
  return message;
}

export function encodeBitfield(bytes: Uint8Array): Buffer {
  return encodeBody(messageIds.bitfield, bytes);
}

/** Renders an extended message; `id` 0 is the extended handshake. @see BEP 10 */
export function encodeExtended(id: number, payload: Uint8Array): Buffer {
  return encodeBody(messageIds.extended, Buffer.concat([Buffer.from([id]), payload]));
}

function encodeBody(id: number, body: Uint8Array): Buffer {
  const head = Buffer.allocUnsafe(5);
  head.writeUInt32BE(body.byteLength + 1, 0);
  head.writeUInt8(id, 4);
  return Buffer.concat([head, body]);
}

/** Renders requests (or cancels) in one buffer, for one write. */
export function encodeBlocks(type: "request" | "cancel", blocks: readonly Block[]): Buffer {
  const message = Buffer.allocUnsafe(17 * blocks.length);
  let at = 0;
  for (const { index, begin, length } of blocks) {
    message.writeUInt32BE(13, at);
    message.writeUInt8(messageIds[type], at + 4);
    message.writeUInt32BE(index, at + 5);
    message.writeUInt32BE(begin, at + 9);
    message.writeUInt32BE(length, at + 13);
    at += 17;
  }
  return message;
}

/** Renders what precedes the bytes of a block. */
export function encodePieceHeader({ index, begin, length }: Block): Buffer {
  const header = Buffer.allocUnsafe(pieceHeaderLength);
  header.writeUInt32BE(9 + length, 0);
  header.writeUInt8(messageIds.piece, 4);
  header.writeUInt32BE(index, 5);
  header.writeUInt32BE(begin, 9);
  return header;
}
