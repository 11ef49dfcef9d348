import { Credential } from "../credential.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { Authorization } from "../ports/origin.ts";
import type { CredentialSource, Credentials } from "./docker-credentials.ts";
import type { LoginProof } from "./token-cache.ts";

/** In whose name one request is made, and how that is proved. */
export interface Identity {
  /** Tells the tokens of one from those of another; no secret. */
  readonly key: string;
  /** Sent as it is, and the only thing that is: a token that a client got by itself. */
  readonly bearer?: string;
  /** What is shown to a registry that asks who we are, or to its token service. */
  readonly proof: (registry: string, options: Cancellable) => Promise<LoginProof | undefined>;
}

const nobody: Identity = { key: "anonymous", proof: async () => undefined };

/**
 * The identity of a request to a registry with that authorization; left out, that of whom the
 * configured credentials name. One of another scheme than Basic or Bearer proves nothing, and one
 * for another registry is not shown.
 */
export function identityOf(
  authorization: Authorization | undefined,
  {
    asked,
    configured,
  }: { readonly asked: string; readonly configured: CredentialSource | undefined },
): Identity {
  if (authorization === undefined) {
    const proof = async (registry: string, options: Cancellable) => {
      const credentials = await configured?.find(registry, options);
      return credentials && proofOf(credentials);
    };
    return { key: "configured", proof };
  }
  if (authorization === "anonymous") return nobody;
  if (authorization.registry !== undefined && authorization.registry !== asked) return nobody;
  const key = authorization.fingerprint();
  const value = authorization.reveal();
  if (/^bearer /i.test(value)) return { key, bearer: value, proof: async () => undefined };
  if (!/^basic /i.test(value)) return { key, proof: async () => undefined };
  return { key, proof: async () => ({ kind: "basic", authorization }) };
}

function proofOf(credentials: Credentials): LoginProof {
  if (credentials.kind === "identityToken") return credentials;
  return { kind: "basic", authorization: basicAuthorization(credentials) };
}

/** The value of an `Authorization` header. @see RFC 7617 */
function basicAuthorization({
  username,
  password,
}: Credentials & { readonly kind: "password" }): Credential {
  return new Credential(`Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`);
}
