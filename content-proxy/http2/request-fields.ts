import type { HeaderField } from "./header-field.ts";

/** Pseudo fields that a request has exactly once. */
const pseudoNames = [":method", ":scheme", ":path"];

/** Fields that speak of one connection, which HTTP/2 does not have. */
const connectionNames = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

const namePattern = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const badValuePattern = /[\0\r\n]/;

/**
 * Tells what makes the fields of a request malformed, if anything does.
 *
 * @see RFC 9113, section 8
 */
export function requestProblem(fields: readonly HeaderField[]): string | undefined {
  const seen: string[] = [];
  let isPastPseudo = false;
  for (const { name, value } of fields) {
    if (badValuePattern.test(value)) return "a value holds a control character";
    if (name.startsWith(":")) {
      if (isPastPseudo) return "a pseudo field stands after others";
      if (name !== ":authority" && !pseudoNames.includes(name)) return "unknown pseudo field";
      if (seen.includes(name)) return "a pseudo field stands twice";
      seen.push(name);
      continue;
    }
    isPastPseudo = true;
    if (!namePattern.test(name)) return "a name holds a character that is not allowed";
    if (connectionNames.has(name)) return "a field of the connection";
    if (name === "te" && value !== "trailers") return "te is not trailers";
  }
  return pseudoNames.every((name) => seen.includes(name)) ? undefined : "a pseudo field is missing";
}

/** The value of a field; of the first, if it stands more than once. */
export function fieldValue(fields: readonly HeaderField[], name: string): string | undefined {
  for (const field of fields) if (field.name === name) return field.value;
  return undefined;
}
