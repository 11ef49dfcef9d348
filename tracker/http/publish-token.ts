import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** Tells who may publish: everybody when there is no token, else who sends it as Bearer. */
export function publishTokenCheck(
  token: string | undefined,
): (request: IncomingMessage) => boolean {
  if (token === undefined) return () => true;
  const expected = sha256(`Bearer ${token}`);
  // Hashed, for a comparison in constant time wants equal lengths.
  return (request) => timingSafeEqual(sha256(request.headers.authorization ?? ""), expected);
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
