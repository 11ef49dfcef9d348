import { LRUCache } from "lru-cache";
import type { Dispatcher } from "undici";
import { z } from "zod";

import { abortable, createDeadline } from "../async/deadline.ts";
import { SingleFlight } from "../async/single-flight.ts";
import type { Credential } from "../credential.ts";
import { AccessDeniedError, UnavailableError } from "../errors.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import { hasForeignName } from "../registry-name.ts";
import type { Challenge } from "./challenge.ts";
import { type HttpRequest, readBounded, requestOnce } from "./http-request.ts";

/** Tokens that are kept: one for each repository of a busy seeder. */
const tokensMax = 1000;

/** Longest token: no server takes longer headers, and as many as may be kept are few megabytes. */
const tokenLengthMax = 16 * 1024;

/** Seconds that a token lives when its service does not say. @see docs/spec/auth/token.md */
const lifetimeDefaultS = 60;

/** A token is renewed this much before its end, for requests that are on their way. */
const marginMs = 10_000;

/** Longest time that a token is kept, whatever its service says. */
const lifetimeMaxMs = 86_400_000;

/** Longest answer of a token service. */
const answerLengthMax = 256 * 1024;

/** Milliseconds that a login may take, with the credential helper's own 5 s. */
const loginTimeoutMs = 15_000;

const answerSchema = z.object({
  token: z.string().min(1).optional(),
  access_token: z.string().min(1).optional(),
  expires_in: z.number().positive().optional(),
});

/** What a token service is shown. */
export type LoginProof =
  /** The value of an `Authorization` header with the scheme Basic. */
  | { readonly kind: "basic"; readonly authorization: Credential }
  /** An OAuth2 refresh token. */
  | { readonly kind: "identityToken"; readonly identityToken: string };

/** A login that a registry asks for. */
export interface Login {
  readonly challenge: Challenge;
  /** Asked for if the challenge names none. */
  readonly scope: string;
  /** Whether the registry was asked by TLS. */
  readonly isSecure: boolean;
  /** Whether nobody configured the registry: a token service at an address is not asked then. */
  readonly isStranger: boolean;
  /** Looks up what there is to show, if there is anything. */
  readonly proof: (options: Cancellable) => Promise<LoginProof | undefined>;
  readonly dispatcher: Dispatcher;
}

/** Fetches Bearer tokens from the services that registries name, and keeps them while they live. */
export class TokenCache {
  readonly #tokens = new LRUCache<string, string>({ max: tokensMax });
  readonly #logins = new SingleFlight<string, string>();

  /** A token kept for the key, if it lives. */
  find(key: string): string | undefined {
    return this.#tokens.get(key);
  }

  /** Forgets a token that was turned down, unless there is a newer one already. */
  drop(key: string, token: string | undefined): void {
    if (this.#tokens.get(key) === token) this.#tokens.delete(key);
  }

  /**
   * Gets a token for a challenge, and keeps it under the key. Who asks for the same key
   * meanwhile gets the same token.
   *
   * @throws {AccessDeniedError} when the service refuses the credentials.
   * @throws {UnavailableError} when it cannot be reached, or answers nonsense.
   */
  async fetch(key: string, login: Login, { signal }: Cancellable): Promise<string> {
    const kept = this.#tokens.get(key);
    if (kept !== undefined) return kept;
    return abortable(
      this.#logins.run(key, () => this.#logIn(key, login)),
      signal,
    );
  }

  async #logIn(key: string, login: Login): Promise<string> {
    // Nobody's own signal: others may wait for the same token.
    const deadline = createDeadline(new AbortController().signal, loginTimeoutMs);
    const { signal } = deadline;
    try {
      const request = requestFor(login, await login.proof({ signal }));
      const response = await requestOnce(request, { dispatcher: login.dispatcher, signal });
      const body = await readBounded(response, { lengthMax: answerLengthMax, signal });
      return this.#keep(key, tokenIn(response.statusCode, body));
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new UnavailableError("Cannot log in: the token service does not answer");
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  #keep(key: string, { token, lifetimeMs }: Token): string {
    const ttl = Math.min(lifetimeMs - marginMs, lifetimeMaxMs);
    // A token that is about to end when it comes serves the request that it was fetched for.
    if (ttl > 0) this.#tokens.set(key, token, { ttl });
    return token;
  }
}

interface Token {
  readonly token: string;
  readonly lifetimeMs: number;
}

function tokenIn(statusCode: number, body: Buffer): Token {
  if (statusCode === 400 || statusCode === 401 || statusCode === 403) {
    throw new AccessDeniedError("Cannot log in: the token service refuses the credentials");
  }
  if (statusCode !== 200) {
    throw new UnavailableError(`Cannot log in: the token service answers ${statusCode}`);
  }
  const answer = parseAnswer(body);
  const token = answer?.token ?? answer?.access_token;
  if (token !== undefined && token.length > tokenLengthMax) {
    throw new UnavailableError("Cannot log in: the token service gives too long a token");
  }
  if (token === undefined || /[^\x21-\x7e]/.test(token)) {
    throw new UnavailableError("Cannot log in: the token service gives no token");
  }
  return { token, lifetimeMs: (answer?.expires_in ?? lifetimeDefaultS) * 1000 };
}

/** Refresh tokens go by POST in the OAuth2 form, all else by GET. */
function requestFor(
  { challenge, scope, isSecure, isStranger }: Login,
  proof: LoginProof | undefined,
): HttpRequest {
  const realm = realmOf(challenge, { isSecure, isStranger });
  const form = new URLSearchParams({ scope: challenge.parameters["scope"] ?? scope });
  const service = challenge.parameters["service"];
  if (service !== undefined) form.set("service", service);
  if (proof?.kind === "identityToken") {
    form.set("grant_type", "refresh_token");
    form.set("client_id", "shoal");
    form.set("refresh_token", proof.identityToken);
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return { url: realm, method: "POST", headers, body: form.toString() };
  }
  for (const [name, value] of form) realm.searchParams.set(name, value);
  const headers: Record<string, string> = {};
  if (proof) headers["authorization"] = proof.authorization.reveal();
  return { url: realm, method: "GET", headers };
}

/** A registry that is asked by TLS must not make us send credentials without it. */
function realmOf(
  challenge: Challenge,
  { isSecure, isStranger }: Pick<Login, "isSecure" | "isStranger">,
): URL {
  const text = challenge.parameters["realm"] ?? "";
  const realm = URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = realm?.protocol === "https:" || (realm?.protocol === "http:" && !isSecure);
  const isUsable = isHttp && (!isStranger || hasForeignName(realm));
  if (realm && isUsable && realm.username === "" && realm.password === "") return realm;
  throw new UnavailableError("Cannot log in: the registry names no token service that we can use");
}

function parseAnswer(body: Buffer): z.output<typeof answerSchema> | undefined {
  try {
    return answerSchema.safeParse(JSON.parse(body.toString("utf8"))).data;
  } catch {
    return undefined;
  }
}
