import { LayerFormatError } from "../errors.ts";
import { type ByteString, quoteBytes } from "./byte-string.ts";
import type { PaxRecords } from "./pax-records.ts";
import type { TarHeader } from "./tar-header.ts";
import { type FileTimes, fileTimesFrom, parsePaxTime } from "./timestamp.ts";

/** What an entry of a layer makes. */
export type EntryKind =
  | "file"
  | "hardLink"
  | "symlink"
  | "characterDevice"
  | "blockDevice"
  | "directory"
  | "fifo"
  /** Nothing: it is about all entries after it, and ignored. */
  | "globalHeader";

/** An entry of a layer, with all that its headers say of it. */
export interface TarEntry {
  readonly kind: EntryKind;
  /** As it is written: absolute, with `..` or whatever. */
  readonly name: ByteString;
  /** What a link leads to. */
  readonly linkName: ByteString;
  /** Permissions with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Length of the content, of files alone. */
  readonly size: number;
  readonly times: FileTimes;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Extended attributes with their values. */
  readonly attributes: readonly (readonly [name: ByteString, value: ByteString])[];
}

/** What the headers before an entry's own say of it. */
export interface PrecedingHeaders {
  readonly records: PaxRecords | undefined;
  readonly longName: ByteString;
  readonly longLinkName: ByteString;
}

/** Which character of a header is which kind. @see POSIX pax, "ustar Interchange Format" */
const kinds = new Map<string, EntryKind>([
  ["\0", "file"],
  ["0", "file"],
  ["1", "hardLink"],
  ["2", "symlink"],
  ["3", "characterDevice"],
  ["4", "blockDevice"],
  ["5", "directory"],
  ["6", "fifo"],
  ["g", "globalHeader"],
]);

const attributePrefix = "SCHILY.xattr.";

/** The last of all owners; the one above means "leave the owner" to chown(2). */
const ownerMax = 2 ** 32 - 2;

/**
 * Puts together what all headers of an entry say of it.
 *
 * @throws {LayerFormatError} also for a kind that containerd does not unpack, such as sparse
 *   files in the older format of GNU tar.
 * @see Go archive/tar/reader.go, mergePAX
 */
export function entryFrom(
  header: TarHeader,
  { records, longName, longLinkName }: PrecedingHeaders,
): TarEntry {
  // Empty values do not count.
  const record = (key: string) => records?.get(key) || undefined;
  const name = longName || (record("path") ?? header.name);
  const modified = record("mtime");
  const accessed = record("atime");
  return {
    kind: kindOf(header.type, name),
    name,
    linkName: longLinkName || (record("linkpath") ?? header.linkName),
    mode: header.mode & 0o7777,
    uid: ownerFrom(record("uid"), header.uid, name),
    gid: ownerFrom(record("gid"), header.gid, name),
    size: numberFrom(record("size"), header.size),
    times: fileTimesFrom(
      modified === undefined ? header.modified : parsePaxTime(modified),
      accessed === undefined ? header.accessed : parsePaxTime(accessed),
    ),
    deviceMajor: header.deviceMajor,
    deviceMinor: header.deviceMinor,
    attributes: records ? attributesOf(records) : [],
  };
}

function kindOf(type: string, name: ByteString): EntryKind {
  // Before there was a type of their own, directories were files whose name ends so.
  if (type === "\0" && name.endsWith("/")) return "directory";
  const kind = kinds.get(type);
  if (kind) return kind;
  throw new LayerFormatError(
    `Cannot unpack ${quoteBytes(name)}: entries of type ${JSON.stringify(type)} are not supported`,
  );
}

function attributesOf(records: PaxRecords): [ByteString, ByteString][] {
  const attributes: [ByteString, ByteString][] = [];
  for (const [key, value] of records) {
    if (key.startsWith(attributePrefix))
      attributes.push([key.slice(attributePrefix.length), value]);
  }
  return attributes;
}

function ownerFrom(text: string | undefined, fallback: number, name: ByteString): number {
  const owner = numberFrom(text, fallback);
  if (owner < 0 || owner > ownerMax) {
    throw new LayerFormatError(`Cannot unpack ${quoteBytes(name)}: there is no owner ${owner}`);
  }
  return owner;
}

function numberFrom(text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new LayerFormatError(`Cannot read layer: PAX record ${JSON.stringify(text)} is no number`);
}
