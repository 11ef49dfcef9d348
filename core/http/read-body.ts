import type { IncomingMessage } from "node:http";

/** Reads a request's body; `undefined` as soon as it is longer than `lengthMax` bytes. */
export async function readBody(
  request: IncomingMessage,
  lengthMax: number,
): Promise<Buffer | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > lengthMax) return undefined;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    if (!(chunk instanceof Uint8Array)) continue;
    length += chunk.byteLength;
    if (length > lengthMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}
