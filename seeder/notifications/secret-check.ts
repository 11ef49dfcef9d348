import { createHash, timingSafeEqual } from "node:crypto";

import type { Credential } from "../../core/credential.ts";

/**
 * Tells whether an `Authorization` header has one of the secrets, as it is or as a Bearer
 * token: Harbor sends what it was given, Docker's registry what its configuration says.
 * Without any secret every header will do.
 */
export function secretCheck(
  secrets: readonly Credential[],
): (header: string | undefined) => boolean {
  if (secrets.length === 0) return () => true;
  // Hashed, for a comparison in constant time wants equal lengths.
  const wanted = secrets.map((secret) => sha256(secret.reveal()));
  return (header = "") => {
    const given = sha256(header.replace(/^Bearer +/i, ""));
    return wanted.map((one) => timingSafeEqual(given, one)).includes(true);
  };
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
