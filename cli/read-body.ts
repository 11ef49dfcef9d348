import { UnavailableError } from "../core/errors.ts";

/** Longest answer that is kept: a status with full lists is below 1 MiB. */
const bodyLengthMax = 8 * 1024 * 1024;

/** Reads the whole body of an answer. @throws {UnavailableError} when it is longer than 8 MiB. */
export async function readBody(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > bodyLengthMax)
      throw new UnavailableError("Cannot read the answer: it is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** What a service of ours gave as the reason of a refusal; else the status of HTTP. */
export async function refusalOf(response: Response): Promise<string> {
  const body = await readBody(response);
  try {
    const { error } = JSON.parse(body) as { readonly error?: { readonly message?: unknown } };
    if (typeof error?.message === "string") return error.message;
  } catch {
    // Not JSON, so not from a service of ours.
  }
  return `the answer is ${response.status} ${response.statusText}`.trimEnd();
}
