import { tarHeader, type TarEntry } from "../../../core/testing/tar-fixture.ts";

const checksumOffset = 148;

/** An entry whose header is edited before its checksum is made. */
export function editedEntry(
  entry: TarEntry,
  edit: (header: Buffer) => void,
): readonly [header: Uint8Array, ...content: Uint8Array[]] {
  const content = Buffer.from(entry.content ?? "");
  const header = tarHeader(entry, content.length);
  edit(header);
  writeChecksum(header, (sum, byte) => sum + byte);
  return [header, content, Buffer.alloc(-content.length & 511)];
}

/** A header without content whose checksum is of signed bytes, as some old programs made it. */
export function signedChecksum(entry: TarEntry): Uint8Array {
  const header = tarHeader(entry, 0);
  writeText(header, Buffer.from(entry.name, "latin1"), "name");
  writeChecksum(header, (sum, byte) => sum + ((byte << 24) >> 24));
  return header;
}

function writeChecksum(header: Buffer, add: (sum: number, byte: number) => number): void {
  header.write(" ".repeat(8), checksumOffset);
  const checksum = header.reduce(add, 0);
  header.write(`${checksum.toString(8).padStart(6, "0")}\0 `, checksumOffset);
}

/** Writes a number as GNU tar does it where octal digits have no room: in base 256. */
export function writeBase256(header: Buffer, value: bigint, field: Field): void {
  const [offset, length] = fields[field];
  let rest = value;
  for (let index = offset + length - 1; index >= offset; index--) {
    header[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  header[offset] = (header[offset] ?? 0) | 0x80;
}

type Field = keyof typeof fields;

const fields = {
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
} as const;

/** A field of a header that holds text. */
export function writeText(header: Buffer, text: string | Buffer, field: keyof typeof texts): void {
  const [offset, length] = texts[field];
  header.fill(0, offset, offset + length);
  Buffer.from(text).copy(header, offset, 0, length);
}

const texts = {
  name: [0, 100],
  mode: [100, 8],
  linkname: [157, 100],
  magic: [257, 8],
  prefix: [345, 155],
} as const;
