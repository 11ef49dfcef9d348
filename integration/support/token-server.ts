import { createPrivateKey, randomUUID, sign, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { join } from "node:path";

import { DisposeStack } from "../../core/async/dispose-stack.ts";
import { ensurePackages } from "./apt-packages.ts";
import { runCommand } from "./command.ts";
import type { NetworkHost } from "./network.ts";
import { logsLine } from "./readiness.ts";
import { basicCredentials, registryUser, type RegistryAuth } from "./registry-auth.ts";
import { placeOf, ports } from "./shoal-config.ts";
import { startForwarder } from "./tunnel.ts";

/** A token server for registries. Dispose of it to end it. */
export interface TokenServer extends AsyncDisposable {
  /** What a registry must be told to trust it. */
  readonly auth: RegistryAuth;
  /** Query strings of the requests for a token, with whether a token was given. */
  readonly requests: readonly { readonly query: string; readonly isGranted: boolean }[];
  /** Value of an Authorization header that grants everything in a repository. */
  authorizationFor(repository: string): string;
}

const service = "shoal-registry";
const issuer = "shoal-token-server";
const tokenLifeSeconds = 300;

/**
 * Starts the other half of a registry's Bearer authentication, on loopback unless told
 * otherwise. With the credentials of `registryUser` it grants everything, without any nothing or, where
 * `isAnonymousAllowed`, pulls.
 *
 * @see distribution docs/spec/auth/token.md
 */
export async function startTokenServer(options: {
  /** Takes key and certificate. */
  readonly directory: string;
  readonly isAnonymousAllowed?: boolean;
  /** The host of a network of ours where it is reached. */
  readonly on?: NetworkHost;
}): Promise<TokenServer> {
  const key = await createKey(options.directory);
  const requests: { query: string; isGranted: boolean }[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const actions = grantedActions(request, options.isAnonymousAllowed ?? false);
    requests.push({ query: url.search, isGranted: actions !== undefined });
    if (actions === undefined) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="shoal-test"' }).end();
      return;
    }
    const token = key.sign(claimsOf(url.searchParams.getAll("scope"), actions));
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ token, expires_in: tokenLifeSeconds }));
  });
  const started = new DisposeStack();
  try {
    const place = await listen(server, { ...options, started });
    const { certificatePath } = key;
    return {
      auth: { kind: "token", realm: `http://${place}/token`, service, issuer, certificatePath },
      requests,
      authorizationFor: (repository) => {
        const actions = ["pull", "push", "delete"];
        const scope = `repository:${repository}:${actions.join()}`;
        return `Bearer ${key.sign(claimsOf([scope], actions))}`;
      },
      [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
    };
  } catch (error) {
    return started.disposeAfter(error);
  }
}

/** Gives the host and port where it is reached. */
async function listen(
  server: Server,
  options: {
    readonly directory: string;
    readonly on?: NetworkHost;
    readonly started: DisposeStack;
  },
): Promise<string> {
  const { directory, on, started } = options;
  const socketPath = join(directory, "token.sock");
  if (on) server.listen(socketPath);
  else server.listen(0, "127.0.0.1");
  await once(server, "listening");
  started.defer(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  });
  if (on) {
    const from = placeOf(on, ports.token);
    const ready = logsLine(join(directory, "tunnel.log"), /listening/);
    started.use(await startForwarder({ from, to: socketPath, netns: on.netns, ready }));
    return from;
  }
  const address = server.address();
  return `127.0.0.1:${typeof address === "object" ? (address?.port ?? 0) : 0}`;
}

function grantedActions(
  request: IncomingMessage,
  isAnonymousAllowed: boolean,
): readonly string[] | undefined {
  const { authorization } = request.headers;
  if (authorization === basicCredentials(registryUser)) return ["pull", "push", "delete"];
  return authorization === undefined && isAnonymousAllowed ? ["pull"] : undefined;
}

/** @param scopes As `repository:samples/app:pull,push`. */
function claimsOf(scopes: readonly string[], actions: readonly string[]): object {
  const now = Math.floor(Date.now() / 1000);
  const access = scopes
    .flatMap((scope) => scope.split(" "))
    .map((scope) => {
      const [type, name, wanted = ""] = scope.split(":");
      return { type, name, actions: wanted.split(",").filter((each) => actions.includes(each)) };
    });
  return {
    ...{ iss: issuer, aud: service, sub: "", jti: randomUUID() },
    ...{ iat: now, nbf: now - 10, exp: now + tokenLifeSeconds },
    access,
  };
}

interface SigningKey {
  readonly certificatePath: string;
  sign(claims: object): string;
}

async function createKey(directory: string): Promise<SigningKey> {
  await ensurePackages(["openssl"]);
  const keyPath = join(directory, "token.key");
  const certificatePath = join(directory, "token.crt");
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"] as const;
  const files = ["-keyout", keyPath, "-out", certificatePath] as const;
  await runCommand(["openssl", ...request, "-subj", `/CN=${issuer}`, ...files]);
  const key = createPrivateKey(await readFile(keyPath));
  const certificate = new X509Certificate(await readFile(certificatePath));
  const header = { typ: "JWT", alg: "RS256", x5c: [certificate.raw.toString("base64")] };
  return {
    certificatePath,
    sign(claims) {
      const signed = [header, claims].map(encode).join(".");
      return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
    },
  };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
