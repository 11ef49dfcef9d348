import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";

import { FailedPreconditionError } from "../../../core/errors.ts";
import { ApiError } from "../../../core/oci-api/api-error.ts";

/** Longest file of tokens, and shortest token: what is shorter can be guessed. */
const fileLengthMax = 64 * 1024;
const tokenLengthMin = 16;

/** Longest header that is looked at. */
const headerLengthMax = 4096;

/**
 * Lets those push who have one of the tokens of a file, one a line: as a Bearer token, or as a
 * password, as `docker login` sends it. The file is read for each request, so that a token
 * that is taken out of it is one no more.
 */
export class PushAccess {
  readonly #file: string | undefined;
  readonly #isOpen: boolean;

  /** @param settings.open Everybody may push. Without that and without a file nobody may. */
  constructor({ tokenFile, open }: { readonly tokenFile?: string | undefined; open: boolean }) {
    this.#file = tokenFile;
    this.#isOpen = open;
  }

  /** @throws {FailedPreconditionError} when nobody could push. */
  async checkFile(): Promise<void> {
    if (this.#isOpen) return;
    if (this.#file !== undefined && (await readTokens(this.#file)).length > 0) return;
    throw new FailedPreconditionError(
      `Cannot let anybody push: ${this.#file ?? "no file"} has no token of ${tokenLengthMin} characters`,
    );
  }

  /** @throws {ApiError} UNAUTHORIZED, with the challenge that clients answer. */
  async check({ headers }: IncomingMessage): Promise<void> {
    if (this.#isOpen) return;
    const given = tokenIn(headers.authorization ?? "");
    const file = this.#file;
    const tokens = given === undefined || file === undefined ? [] : await readTokensNow(file);
    // Compared as hashes: of equal length, and in a time that tells nothing.
    const hash = hashOf(given ?? "");
    let isKnown = false;
    for (const token of tokens) isKnown = timingSafeEqual(hashOf(token), hash) || isKnown;
    if (isKnown) return;
    throw new ApiError("UNAUTHORIZED", "Cannot let you in: want a token that may push", {
      headers: { "www-authenticate": 'Basic realm="shoal"' },
    });
  }
}

/** The token of an `Authorization` header: by itself, or as the password of whomever. */
function tokenIn(header: string): string | undefined {
  if (header.length > headerLengthMax) return undefined;
  const [scheme = "", value = ""] = header.trim().split(/ +/, 2);
  if (scheme.toLowerCase() === "bearer") return value;
  if (scheme.toLowerCase() !== "basic") return undefined;
  const pair = Buffer.from(value, "base64").toString("utf8");
  const colon = pair.indexOf(":");
  return colon < 0 ? undefined : pair.slice(colon + 1);
}

/** @throws {ApiError} UNAVAILABLE: a file that is being replaced is there again soon. */
async function readTokensNow(path: string): Promise<string[]> {
  try {
    return await readTokens(path);
  } catch (cause) {
    throw new ApiError("UNAVAILABLE", "Cannot read the file of tokens", { cause });
  }
}

/** @throws {FailedPreconditionError} */
async function readTokens(path: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw new FailedPreconditionError(`Cannot read ${path}: ${code}`);
  }
  if (text.length > fileLengthMax) {
    throw new FailedPreconditionError(`Cannot read ${path}: it is too long`);
  }
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.length >= tokenLengthMin && !line.startsWith("#"));
}

function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
