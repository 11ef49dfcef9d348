import { LRUCache } from "lru-cache";
import type { Dispatcher } from "undici";

import { pause } from "../async/pause.ts";
import { AccessDeniedError, type Refusal, UnavailableError } from "../errors.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { Authorization, Repository } from "../ports/origin.ts";
import {
  canonicalRegistry,
  hasForeignName,
  isForeignName,
  isLoopbackRegistry,
} from "../registry-name.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { CredentialSource } from "./docker-credentials.ts";
import { type HttpRequest, type HttpResponse, discardBody, requestOnce } from "./http-request.ts";
import { type Identity, identityOf } from "./identity.ts";
import { redirectedUrl } from "./redirect.ts";
import { readRefusal } from "./refusal.ts";
import { retryAfterMs } from "../http/retry-after.ts";
import { type Login, TokenCache } from "./token-cache.ts";

/** Where a registry is, if its name alone does not say it. */
export interface RegistryEndpoint {
  /** Base URL, without `/v2`; left out: what follows from its name. */
  readonly url?: string;
  /** Connections that trust the registry's own certificates; left out: those of all others. */
  readonly dispatcher?: Dispatcher;
}

/** What {@link RegistryClient} works with. */
export interface RegistryClientDeps {
  readonly dispatcher: Dispatcher;
  readonly credentials: CredentialSource | undefined;
  /** By the host that image references name, in its canonical form. */
  readonly endpoints: Readonly<Record<string, RegistryEndpoint>>;
}

/** A request to a registry's API. */
export interface RegistryRequest extends Repository {
  readonly method: HttpRequest["method"];
  /** After `/v2/<repository>/`, such as `manifests/latest`. */
  readonly path: string;
  /** Asked instead of the path: where the registry told us to write. */
  readonly url?: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: HttpRequest["body"];
  /** Milliseconds until the answer begins, once all was sent; left out: as for what is read. */
  readonly answerWithinMs?: number;
  /** What a token must allow; left out: to pull from the repository. */
  readonly scope?: string;
  /** In whose name; left out: our own, with the configured credentials. */
  readonly authorization?: Authorization | undefined;
}

/** An answer, and whether the registry itself gave it and not a host that it sent us to. */
interface RegistryResponse extends HttpResponse {
  readonly isOwn: boolean;
}

/** A request that was answered with 401, and how. */
interface Refused extends Cancellable {
  readonly request: RegistryRequest;
  readonly identity: Identity;
  readonly refusal: Refusal;
}

/** Redirects that are followed: registries use one, to a store of objects. */
const redirectsMax = 5;

/** Tries of a request that is turned down for being one of too many. */
const triesMax = 4;

/** Registries that are remembered to want a password: others are asked for it once more. */
const basicMax = 1000;

/** Asks registries, logs in where they want it, and follows where they send us. */
export class RegistryClient {
  readonly #deps: RegistryClientDeps;
  readonly #tokens = new TokenCache();
  /** Registries that asked for a password: it is sent at once from then on. */
  readonly #basic = new LRUCache<string, true>({ max: basicMax });

  constructor(deps: RegistryClientDeps) {
    this.#deps = deps;
  }

  /**
   * Sends a request and gives the answer, whatever its status, but not 401, 403, 429
   * and redirects: those are dealt with here.
   *
   * @throws {AccessDeniedError} when the registry refuses us.
   * @throws {UnavailableError} when it cannot be reached or is too busy for us.
   */
  async request(request: RegistryRequest, options: Cancellable): Promise<HttpResponse> {
    for (let attempt = 1; ; attempt++) {
      const response = await this.#authorized(request, options);
      const isBusy = response.statusCode === 429 || response.statusCode === 503;
      if (!isBusy) return response;
      await discardBody(response);
      if (attempt === triesMax) {
        throw new UnavailableError(
          `Cannot ask ${request.registry}: it answers ${response.statusCode}`,
        );
      }
      await pause(retryAfterMs(response.headers["retry-after"], attempt), options.signal);
    }
  }

  /** Where a request goes, before redirects. */
  urlOf({ registry, repository, path, url }: RegistryRequest): URL {
    return url ?? new URL(`${this.#baseUrl(registry)}/v2/${repository}/${path}`);
  }

  async #authorized(request: RegistryRequest, options: Cancellable): Promise<HttpResponse> {
    const identity = identityOf(request.authorization, {
      asked: request.registry,
      configured: this.#deps.credentials,
    });
    const key = tokenKey(request, identity);
    const token = this.#tokens.find(key);
    const known = token === undefined ? undefined : `Bearer ${token}`;
    const first = await this.#send(
      request,
      identity.bearer ?? known ?? (await this.#password(request, identity, options)),
      options,
    );
    // A host that we were sent to must not make us tell it, or whom it names, who we are.
    if (first.statusCode !== 401 || !first.isOwn || identity.bearer !== undefined) {
      return allowed(first, request, options);
    }
    this.#tokens.drop(key, token);
    const refusal = await readRefusal(first, options);
    const header = first.headers["www-authenticate"];
    const challenges = parseChallenges(Array.isArray(header) ? header.join(", ") : (header ?? ""));
    const authorization = await this.#answer(challenges, {
      ...{ request, identity, refusal },
      ...options,
    });
    return allowed(await this.#send(request, authorization, options), request, options);
  }

  /** The password for a registry that wanted it the last time. */
  async #password(
    { registry }: RegistryRequest,
    identity: Identity,
    options: Cancellable,
  ): Promise<string | undefined> {
    if (!this.#basic.has(registry)) return undefined;
    const proof = await identity.proof(registry, options);
    return proof?.kind === "basic" ? proof.authorization.reveal() : undefined;
  }

  async #answer(
    challenges: readonly Challenge[],
    { request, identity, refusal, signal }: Refused,
  ): Promise<string> {
    const { registry } = request;
    const challenge = challenges.find(({ scheme }) => scheme === "bearer");
    if (challenge) {
      const login: Login = {
        challenge,
        scope: scopeOf(request),
        isSecure: this.#baseUrl(registry).startsWith("https:"),
        isStranger: this.#isStranger(registry),
        proof: (of) => identity.proof(registry, of),
        dispatcher: this.#dispatcher(registry),
      };
      const key = tokenKey(request, identity);
      return `Bearer ${await withRefusal(this.#tokens.fetch(key, login, { signal }), refusal)}`;
    }
    if (challenges.length > 0) this.#basic.set(registry, true);
    const password = await this.#password(request, identity, { signal });
    if (password !== undefined) return password;
    const message = `Cannot ask ${registry}: it wants a login that we have not`;
    throw new AccessDeniedError(message, { refusal });
  }

  /** Follows redirects. Credentials are for the registry's own host and no other. */
  async #send(
    asked: RegistryRequest,
    authorization: string | undefined,
    { signal }: Cancellable,
  ): Promise<RegistryResponse> {
    const { registry, method, headers, body, answerWithinMs } = asked;
    const dispatcher = this.#dispatcher(registry);
    const { origin } = new URL(this.#baseUrl(registry));
    let url = this.urlOf(asked);
    let isOwn = true;
    for (let redirects = 0; redirects <= redirectsMax; redirects++) {
      // Whoever sent us elsewhere must not have us come back with the registry's credentials.
      isOwn &&= url.origin === origin;
      if (url.origin !== origin && this.#isStranger(registry) && !hasForeignName(url)) {
        throw new UnavailableError(`Cannot ask ${registry}: it sends us to no host of its own`);
      }
      const request: HttpRequest = {
        url,
        method,
        headers: authorization !== undefined && isOwn ? { ...headers, authorization } : headers,
        ...(body !== undefined && { body }),
        ...(answerWithinMs !== undefined && { answerWithinMs }),
      };
      const response = await requestOnce(request, { dispatcher, signal });
      const location = response.headers["location"];
      const isRedirect = response.statusCode >= 300 && response.statusCode <= 399;
      // What is written goes where it was meant to go or nowhere.
      if (!isRedirect || !isRead(method)) return { ...response, isOwn };
      await discardBody(response);
      if (typeof location !== "string") break;
      url = redirectedUrl(location, url);
    }
    throw new UnavailableError(`Cannot ask ${registry}: it redirects us without end`);
  }

  /**
   * Whether anybody may have made us ask that registry: nobody configured it, and it is asked
   * for its name alone. It must not send us to services that only this machine can reach.
   */
  #isStranger(registry: string): boolean {
    return this.#endpoint(registry) === undefined && isForeignName(registry);
  }

  #endpoint(registry: string): RegistryEndpoint | undefined {
    const name = canonicalRegistry(registry);
    return Object.hasOwn(this.#deps.endpoints, name) ? this.#deps.endpoints[name] : undefined;
  }

  #dispatcher(registry: string): Dispatcher {
    return this.#endpoint(registry)?.dispatcher ?? this.#deps.dispatcher;
  }

  #baseUrl(registry: string): string {
    const url = this.#endpoint(registry)?.url;
    if (url !== undefined) return url.replace(/\/+$/, "");
    if (canonicalRegistry(registry) === "docker.io") return "https://registry-1.docker.io";
    return `${isLoopbackRegistry(registry) ? "http" : "https"}://${registry}`;
  }
}

function isRead(method: HttpRequest["method"]): boolean {
  return method === "GET" || method === "HEAD";
}

function scopeOf({ repository, scope }: RegistryRequest): string {
  return scope ?? `repository:${repository}:pull`;
}

/** Tokens are for one scope of one registry, and for one identity. */
function tokenKey(request: RegistryRequest, { key }: Identity): string {
  return `${request.registry} ${scopeOf(request)} ${key}`;
}

async function allowed(
  response: HttpResponse,
  { registry, repository }: RegistryRequest,
  options: Cancellable,
): Promise<HttpResponse> {
  if (response.statusCode !== 401 && response.statusCode !== 403) return response;
  const refusal = await readRefusal(response, options);
  const message = `Cannot ask ${registry} for ${repository}: it refuses us`;
  throw new AccessDeniedError(message, { refusal });
}

/** A token service that refuses does so for the registry that named it. */
async function withRefusal<T>(login: Promise<T>, refusal: Refusal): Promise<T> {
  try {
    return await login;
  } catch (error) {
    if (!(error instanceof AccessDeniedError)) throw error;
    throw new AccessDeniedError(error.message, { refusal });
  }
}
