import { UnavailableError } from "../errors.ts";

/** Longest line: an event is a few hundred bytes. */
const lineLengthMax = 64 * 1024;

/**
 * Cuts a stream of UTF-8 bytes into lines, without their ends; empty ones are left out.
 *
 * @throws {UnavailableError} when a line is longer than 64 KiB.
 */
export async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    if (rest.length > lineLengthMax) throw new UnavailableError("Cannot read an endless line");
    for (const line of parts) if (line.trim() !== "") yield line;
  }
  if (rest.trim() !== "") yield rest;
}
