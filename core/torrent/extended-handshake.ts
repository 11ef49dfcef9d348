import {
  type BencodeInput,
  type BencodeValue,
  decodeBencode,
  encodeBencode,
  isDictionary,
} from "../bencode.ts";
import { InvalidArgumentError } from "../errors.ts";
import { type Place, formatPlace, parsePlace, placeLengthMax } from "../topology.ts";
import { blockLengthMin } from "./limits.ts";

/**
 * Name under which our extension is offered: requests may be longer than 16 KiB, are
 * answered in order, and bulk flows from the acceptor of a connection to its dialer only.
 */
const extensionName = "shoal_bulk";

/** Number of our one extended message, {@link encodeIntent}. */
export const intentMessageId = 1;

/** Longest extended handshake that is read, in bytes. Ours has at most 300. */
export const extendedHandshakeLengthMax = 4096;

/** What a node says of itself after the handshake. */
export interface NodeInfo {
  /** Longest block that it answers, in bytes. */
  readonly blockLengthMax: number;
  /** It is a dedicated seeder, not an ordinary node. */
  readonly dedicatedSeeder: boolean;
  /** It has every piece, so no bitfield follows. */
  readonly whole: boolean;
  /** It serves as many others as it may, and is to be asked later; left out: it is not so. */
  readonly crowded?: boolean;
  /** Where it takes connections; 0 when nowhere. */
  readonly listenPort: number;
  /** Where it is; left out when it does not say. */
  readonly place?: Place | undefined;
}

/** Renders the payload of our extended handshake. @see BEP 10 */
export function encodeExtendedHandshake(node: NodeInfo): Buffer {
  return encodeBencode({
    m: { [extensionName]: intentMessageId },
    p: node.listenPort,
    [extensionName]: {
      block: node.blockLengthMax,
      seeder: node.dedicatedSeeder ? 1 : 0,
      whole: node.whole ? 1 : 0,
      ...(node.crowded && { crowded: 1 }),
      ...(node.place && { place: formatPlace(node.place) }),
    } satisfies BencodeInput,
  });
}

/**
 * Reads a peer's extended handshake.
 *
 * @throws {InvalidArgumentError} when it is malformed or does not offer our extension.
 */
export function parseExtendedHandshake(payload: Uint8Array): NodeInfo {
  if (payload.byteLength > extendedHandshakeLengthMax) throw refused("too long");
  const root = decodeBencode(payload);
  if (!isDictionary(root)) throw refused("not a dictionary");
  const extensions = root.get("m");
  const ours = root.get(extensionName);
  if (!isDictionary(extensions) || !extensions.get(extensionName) || !isDictionary(ours)) {
    throw refused(`no ${extensionName}`);
  }
  return {
    blockLengthMax: numberIn(ours, "block", blockLengthMin, 2 ** 30),
    dedicatedSeeder: ours.get("seeder") === 1,
    whole: ours.get("whole") === 1,
    ...(ours.get("crowded") === 1 && { crowded: true }),
    listenPort: numberIn(root, "p", 0, 65535),
    ...placeIn(ours),
  };
}

/**
 * Renders the payload by which a node says that a piece is on its way to it from a
 * source that has the whole blob, or is not any more: others then fetch other pieces
 * from there. Told again by `have` once the piece is there.
 */
export function encodeIntent(index: number, isComing: boolean): Buffer {
  const payload = Buffer.alloc(5);
  payload.writeUInt8(isComing ? 1 : 0, 0);
  payload.writeUInt32BE(index, 1);
  return payload;
}

/** @throws {InvalidArgumentError} when it does not have its length. */
export function parseIntent(payload: Uint8Array): {
  readonly index: number;
  readonly isComing: boolean;
} {
  if (payload.byteLength !== 5) throw refused("bad intent");
  const bytes = Buffer.from(payload);
  return { isComing: bytes.readUInt8(0) === 1, index: bytes.readUInt32BE(1) };
}

function numberIn(
  from: ReadonlyMap<string, BencodeValue>,
  key: string,
  min: number,
  max: number,
): number {
  const value = from.get(key);
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw refused(`bad ${JSON.stringify(key)}`);
}

/** Who says nothing of it may be anywhere. */
function placeIn(from: ReadonlyMap<string, BencodeValue>): Pick<NodeInfo, "place"> {
  const value = from.get("place");
  if (value === undefined) return {};
  if (!(value instanceof Uint8Array) || value.byteLength > placeLengthMax) return {};
  try {
    return { place: parsePlace(Buffer.from(value).toString("latin1")) };
  } catch {
    // A later version may tell more: it is a peer like those that tell nothing.
    return {};
  }
}

function refused(why: string): InvalidArgumentError {
  return new InvalidArgumentError(`Cannot read extended handshake: ${why}`);
}
