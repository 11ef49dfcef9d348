import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";

import { z } from "zod";

import { FailedPreconditionError } from "../errors.ts";
import type { Cancellable } from "../ports/cancellable.ts";

/** How to log in to a registry. */
export type Credentials =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, which a token service takes instead of a password. */
  | { readonly kind: "identityToken"; readonly identityToken: string };

/** Where credentials come from: asked again for each new token, so that they may change. */
export interface CredentialSource {
  /** The credentials for a registry's host; `undefined` when there are none. */
  find(registry: string, options: Cancellable): Promise<Credentials | undefined>;
}

/** A helper that asks a person, or hangs, must not hold a pull. */
const helperTimeoutMs = 5000;

const entrySchema = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
});

const fileSchema = z.object({
  auths: z.record(z.string(), entrySchema).default({}),
  credHelpers: z.record(z.string(), z.string()).default({}),
  credsStore: z.string().optional(),
});

/** What Docker's own configuration calls Docker Hub. */
const dockerHubServer = "https://index.docker.io/v1/";

/**
 * Credentials from a Docker `config.json`: entries, and helpers that it names. The file
 * is read at each question, so a renewed secret is used without a restart.
 *
 * @see docker/cli docs: "docker login", credential helpers protocol
 */
export class DockerCredentials implements CredentialSource {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws {FailedPreconditionError} when the file cannot be read, without a word of its content. */
  async find(registry: string, { signal }: Cancellable): Promise<Credentials | undefined> {
    const file = await this.#read();
    const server = registry === "docker.io" ? dockerHubServer : registry;
    const helper = valueOf(file.credHelpers, registry);
    if (helper !== undefined) return askHelper(helper, { server, signal });
    const found = credentialsIn(valueOf(file.auths, registry));
    if (found || file.credsStore === undefined) return found;
    return askHelper(file.credsStore, { server, signal });
  }

  async #read(): Promise<z.output<typeof fileSchema>> {
    try {
      return fileSchema.parse(JSON.parse(await readFile(this.#path, "utf8")));
    } catch (error) {
      // The cause would quote the file, which holds secrets.
      const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
      throw new FailedPreconditionError(
        `Cannot read credentials from ${this.#path}: ${code ?? "it is not a Docker config.json"}`,
      );
    }
  }
}

/** The value whose key names the registry, with or without scheme and version of the API. */
function valueOf<T>(values: Readonly<Record<string, T>>, registry: string): T | undefined {
  return Object.entries(values).find(([key]) => hostIn(key) === registry)?.[1];
}

function hostIn(key: string): string | undefined {
  const host = /^(?:https?:\/\/)?([^/]+)(?:\/v[12])?\/?$/.exec(key)?.[1];
  return host === "index.docker.io" || host === "registry-1.docker.io" ? "docker.io" : host;
}

function credentialsIn(entry: z.output<typeof entrySchema> | undefined): Credentials | undefined {
  if (!entry) return undefined;
  if (entry.identitytoken) return { kind: "identityToken", identityToken: entry.identitytoken };
  if (entry.username !== undefined && entry.password !== undefined) {
    return { kind: "password", username: entry.username, password: entry.password };
  }
  const decoded = Buffer.from(entry.auth ?? "", "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  if (colon < 1) return undefined;
  const password = decoded.slice(colon + 1).replace(/\0+$/, "");
  return { kind: "password", username: decoded.slice(0, colon), password };
}

const helperAnswerSchema = z.object({ Username: z.string(), Secret: z.string() });

/** A helper that is missing or knows nothing is as good as none. */
async function askHelper(
  name: string,
  { server, signal }: Cancellable & { readonly server: string },
): Promise<Credentials | undefined> {
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return undefined;
  const output = await new Promise<string | undefined>((resolve) => {
    const child = execFile(
      `docker-credential-${name}`,
      ["get"],
      { timeout: helperTimeoutMs, maxBuffer: 64 * 1024, signal },
      (error, stdout) => resolve(error ? undefined : stdout),
    );
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(server);
  });
  signal.throwIfAborted();
  const answer = helperAnswerSchema.safeParse(parseJson(output ?? ""));
  if (!answer.success) return undefined;
  const { Username: username, Secret: secret } = answer.data;
  if (username === "<token>") return { kind: "identityToken", identityToken: secret };
  return { kind: "password", username, password: secret };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
