import { LayerFormatError } from "../errors.ts";
import type { ByteString } from "./byte-string.ts";

/** Key and value of each record of one PAX header; values may hold any bytes. */
export type PaxRecords = ReadonlyMap<ByteString, ByteString>;

/** Names of records that hold the map of a sparse file. @see GNU tar manual, "Sparse Formats" */
export const sparseKeys = {
  map: "GNU.sparse.map",
  offset: "GNU.sparse.offset",
  length: "GNU.sparse.numbytes",
} as const;

/** Records whose value is a name, which a zero byte would end. */
const textKeys = new Set(["path", "linkpath", "uname", "gname"]);

/**
 * Reads the records of a PAX header, as strictly as Go.
 *
 * Records of the first sparse format, which repeat, are joined into the one that the second
 * format has.
 *
 * @throws {LayerFormatError}
 * @see Go archive/tar/strconv.go, parsePAXRecord
 */
export function parsePaxRecords(bytes: Uint8Array): PaxRecords {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const records = new Map<ByteString, ByteString>();
  const sparse: string[] = [];
  for (let start = 0; start < text.length;) {
    const { key, value, end } = recordAt(text, start);
    if (key === sparseKeys.offset || key === sparseKeys.length) {
      const wanted = sparse.length % 2 === 0 ? sparseKeys.offset : sparseKeys.length;
      if (key !== wanted || value.includes(",")) throw malformed();
      sparse.push(value);
    } else {
      records.set(key, value);
    }
    start = end;
  }
  if (sparse.length > 0) records.set(sparseKeys.map, sparse.join(","));
  return records;
}

/** A record: its length with the digits of that, a space, key, "=", value, a line feed. */
function recordAt(
  text: ByteString,
  start: number,
): { key: ByteString; value: ByteString; end: number } {
  const space = text.indexOf(" ", start);
  const digits = text.slice(start, space);
  const end = start + Number(digits);
  if (space < 0 || !/^\d+$/.test(digits) || end > text.length || end < space + 2) throw malformed();
  const equals = text.indexOf("=", space);
  if (text[end - 1] !== "\n" || equals < 0 || equals >= end) throw malformed();
  const key = text.slice(space + 1, equals);
  const value = text.slice(equals + 1, end - 1);
  const mustHaveNoZero = textKeys.has(key) ? value : key;
  if (key === "" || mustHaveNoZero.includes("\0")) throw malformed();
  return { key, value, end };
}

function malformed(): LayerFormatError {
  return new LayerFormatError("Cannot read layer: a PAX header is malformed");
}
