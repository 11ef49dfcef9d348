/** What an entry of a tar stream may be, and the letter that its header has for it. */
const typeFlags = {
  file: "0",
  link: "1",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  directory: "5",
  fifo: "6",
  contiguous: "7",
} as const;

/**
 * The owner of entries that name none: whoever runs the tests, root or not, may give files to
 * itself.
 */
const self = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

/**
 * One entry of a tar stream. What is left out is 0, empty, or the usual mode of its type; the
 * owner is who runs the tests.
 */
export interface TarEntry {
  readonly name: string;
  /** Default: a directory when the name ends with a slash, else a file. A letter goes as it is. */
  readonly type?: keyof typeof typeFlags | { readonly flag: string };
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Whole seconds since the Unix epoch; put `mtime` into `pax` for parts of one. */
  readonly mtime?: number;
  readonly linkname?: string;
  readonly devmajor?: number;
  readonly devminor?: number;
  readonly content?: string | Uint8Array;
  /** Records of a PAX header in front of the entry, such as `SCHILY.xattr.user.x`. */
  readonly pax?: Readonly<Record<string, string | Uint8Array>>;
}

/** An entry, or bytes that go into the stream as they are. */
export type TarPart = TarEntry | Uint8Array;

const blockLength = 512;

/** Two empty blocks, which end a tar stream. */
export const tarEnd = Buffer.alloc(2 * blockLength);

/**
 * Writes a tar stream. By hand and not by the library that reads layers, so that no fault of
 * that library hides itself; and so that a test can write what a good writer refuses.
 *
 * @param trailer What comes after the last entry, for streams that are cut off or padded.
 */
export function tarOf(
  parts: readonly TarPart[],
  { trailer = tarEnd }: { readonly trailer?: Uint8Array } = {},
): Buffer {
  const written = parts.flatMap((part) => (part instanceof Uint8Array ? part : partsOf(part)));
  return Buffer.concat([...written, trailer]);
}

/** The bytes of one PAX record: its length (with itself), a key and a value. */
export function paxRecord(key: string, value: string | Uint8Array): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from("\n")]);
  let length = rest.length;
  while (length !== rest.length + String(length).length) {
    length = rest.length + String(length).length;
  }
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** A header block with a right checksum. Names that do not fit are cut. */
export function tarHeader(entry: Omit<TarEntry, "content" | "pax">, size: number): Buffer {
  const flag = flagOf(entry);
  const header = Buffer.alloc(blockLength);
  header.write(entry.name, 0, 100);
  header.write(octal(entry.mode ?? (flag === "5" ? 0o755 : 0o644), 7), 100);
  header.write(octal(entry.uid ?? self.uid, 7), 108);
  header.write(octal(entry.gid ?? self.gid, 7), 116);
  header.write(octal(size, 11), 124);
  header.write(octal(entry.mtime ?? 0, 11), 136);
  header.write(" ".repeat(8), 148);
  header.write(flag, 156);
  header.write(entry.linkname ?? "", 157, 100);
  header.write("ustar\u000000", 257);
  header.write(octal(entry.devmajor ?? 0, 7), 329);
  header.write(octal(entry.devminor ?? 0, 7), 337);
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  header.write(`${octal(checksum, 6)}\u0000 `, 148);
  return header;
}

function partsOf(entry: TarEntry): Buffer[] {
  const content = Buffer.from(entry.content ?? "");
  const parts = [tarHeader(entry, content.length), ...padded(content)];
  const records = Object.entries({ ...needed(entry), ...entry.pax });
  if (records.length === 0) return parts;
  const pax = Buffer.concat(records.map(([key, value]) => paxRecord(key, value)));
  const paxEntry = { name: "PaxHeaders/entry", type: { flag: "x" } };
  return [tarHeader(paxEntry, pax.length), ...padded(pax), ...parts];
}

/** Records for what the header itself has no room for. */
function needed({
  name,
  linkname = "",
  uid = self.uid,
  gid = self.gid,
}: TarEntry): Record<string, string> {
  return {
    ...(isPlain(name) ? {} : { path: name }),
    ...(isPlain(linkname) ? {} : { linkpath: linkname }),
    ...(uid > 0o7777777 ? { uid: String(uid) } : {}),
    ...(gid > 0o7777777 ? { gid: String(gid) } : {}),
  };
}

function isPlain(name: string): boolean {
  return Buffer.byteLength(name) === name.length && name.length <= 100;
}

function flagOf({ name, type }: TarEntry): string {
  if (type === undefined) return name.endsWith("/") ? typeFlags.directory : typeFlags.file;
  return typeof type === "string" ? typeFlags[type] : type.flag;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0").slice(-digits);
}

function padded(content: Buffer): Buffer[] {
  return [content, Buffer.alloc(-content.length & (blockLength - 1))];
}
