/**
 * Text as the kernel and tar have it, in no certain encoding: one character, of code 0 to 255,
 * for each byte. So no name is changed or refused for its encoding.
 */
export type ByteString = string;

/** A byte string for people to read, in quotes: as UTF-8, what is none replaced. */
export function quoteBytes(text: ByteString): string {
  return JSON.stringify(Buffer.from(text, "latin1").toString("utf8"));
}
