import { InvalidArgumentError } from "./errors.ts";

/** An object of a JSON document, of which nothing is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value of a JSON document is an object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Reads a JSON document that came from outside and must be an object.
 *
 * @param what What the document is, for the error.
 * @throws {InvalidArgumentError} when it is longer than `lengthMax` bytes, not JSON in UTF-8,
 *   or not an object.
 */
export function parseJsonObject(
  bytes: Uint8Array,
  { what, lengthMax }: { readonly what: string; readonly lengthMax: number },
): JsonObject {
  if (bytes.byteLength > lengthMax) throw malformed(what, "it is too long");
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw malformed(what, "it is not JSON", { cause });
  }
  if (!isJsonObject(document)) throw malformed(what, "it is not an object");
  return document;
}

/** The error for a document that is not of the form that it must have. */
export function malformed(what: string, why: string, options?: ErrorOptions): InvalidArgumentError {
  return new InvalidArgumentError(`Cannot parse ${what}: ${why}`, options);
}
