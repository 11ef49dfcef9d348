import {
  type BencodeInput,
  type BencodeValue,
  decodeBencode,
  encodeBencode,
  isDictionary,
} from "./bencode.ts";
import { type Digest, parseDigest } from "./digest.ts";
import { MetainfoError } from "./errors.ts";
import { type InfoHash, infoHashOf } from "./info-hash.ts";
import { type PeerAddress, formatPeerAddress } from "./peer-address.ts";
import { pieceHashLength } from "./piece-hasher.ts";
import { type PieceLayout, blobSizeMax, pieceLayoutOf } from "./piece-layout.ts";

/**
 * A blob's torrent: one file, named by the digest, private, BitTorrent v1.
 *
 * Deterministic: digest, size and piece hashes are all that goes into the info
 * dictionary, so everyone who holds the blob derives the same info hash.
 *
 * @see BEP 3, BEP 27
 */
export interface Metainfo {
  readonly digest: Digest;
  readonly layout: PieceLayout;
  /** SHA-1 of each piece, 20 bytes each, in order. */
  readonly pieceHashes: Uint8Array;
  readonly infoHash: InfoHash;
}

/** Longest metainfo that is read: hashes of the most pieces, and room for trackers. */
export const metainfoLengthMax = 256 * 1024;

/**
 * Describes a blob whose pieces were hashed with the layout of its size.
 *
 * @throws {MetainfoError} when there are not as many hashes as pieces.
 */
export function createMetainfo(blob: {
  readonly digest: Digest;
  readonly size: number;
  readonly pieceHashes: Uint8Array;
}): Metainfo {
  const layout = pieceLayoutOf(blob.size);
  if (blob.pieceHashes.byteLength !== layout.pieceCount * pieceHashLength) {
    throw new MetainfoError(`Cannot describe ${blob.digest}: hashes do not fit its size`);
  }
  const info = encodeBencode(infoOf(blob.digest, layout, blob.pieceHashes));
  return {
    digest: blob.digest,
    layout,
    pieceHashes: blob.pieceHashes,
    infoHash: infoHashOf(info),
  };
}

/** What a torrent file may say beside its info dictionary. */
export interface MetainfoExtras {
  /** Announce URLs of trackers. */
  readonly announce?: readonly string[];
  /** Peers known to the service that gives the file: `x-peers`, which is our own key. */
  readonly peers?: readonly PeerAddress[];
  /** URLs that serve the blob with Range: `url-list` of BEP 19. */
  readonly webSeeds?: readonly string[];
}

/** Renders a torrent file that any BitTorrent client reads. */
export function encodeMetainfo(metainfo: Metainfo, extras: MetainfoExtras = {}): Buffer {
  const announce = extras.announce ?? [];
  return encodeBencode({
    announce: announce[0],
    "announce-list": announce.length > 1 ? announce.map((url) => [url]) : undefined,
    info: infoOf(metainfo.digest, metainfo.layout, metainfo.pieceHashes),
    "url-list": extras.webSeeds,
    "x-peers": extras.peers?.map(formatPeerAddress),
  });
}

/**
 * Reads a torrent file that describes a blob as this project does it.
 *
 * Everything but the info dictionary is ignored; the info hash is computed from
 * the values, never taken from the bytes, so a file with other keys in its info
 * dictionary cannot bring us into a foreign swarm.
 *
 * @throws {MetainfoError} when it is too long, not a torrent of one blob, or cut
 *   into other pieces than a blob of its size is.
 */
export function parseMetainfo(bytes: Uint8Array): Metainfo {
  if (bytes.byteLength > metainfoLengthMax)
    throw new MetainfoError("Cannot parse metainfo: too long");
  const info = decodeInfo(bytes);
  const size = info.get("length");
  if (typeof size !== "number" || size < 1 || size > blobSizeMax) throw malformed("length");
  const layout = pieceLayoutOf(size);
  if (info.get("piece length") !== layout.pieceLength) throw malformed("piece length");
  const pieceHashes = info.get("pieces");
  if (!(pieceHashes instanceof Uint8Array)) throw malformed("pieces");
  // Copied, so that it does not keep the buffer alive that it came in.
  return createMetainfo({ digest: digestIn(info), size, pieceHashes: Buffer.from(pieceHashes) });
}

function decodeInfo(bytes: Uint8Array): ReadonlyMap<string, BencodeValue> {
  let torrent: BencodeValue;
  try {
    torrent = decodeBencode(bytes);
  } catch (cause) {
    throw new MetainfoError("Cannot parse metainfo: not bencoded", { cause });
  }
  const info = isDictionary(torrent) ? torrent.get("info") : undefined;
  if (!isDictionary(info)) throw malformed("info");
  return info;
}

function digestIn(info: ReadonlyMap<string, BencodeValue>): Digest {
  const name = info.get("name");
  if (!(name instanceof Uint8Array)) throw malformed("name");
  try {
    return parseDigest(Buffer.from(name).toString("latin1"));
  } catch (cause) {
    throw new MetainfoError("Cannot parse metainfo: its name is not a digest", { cause });
  }
}

function infoOf(digest: Digest, layout: PieceLayout, pieceHashes: Uint8Array): BencodeInput {
  return {
    length: layout.size,
    name: digest,
    "piece length": layout.pieceLength,
    pieces: pieceHashes,
    private: 1,
  };
}

function malformed(key: string): MetainfoError {
  return new MetainfoError(`Cannot parse metainfo: bad or missing ${JSON.stringify(key)}`);
}
