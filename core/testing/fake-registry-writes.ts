import type { IncomingMessage, ServerResponse } from "node:http";

import { digestOf } from "../digest.ts";
import type { FakeRegistry, Fault } from "./fake-registry.ts";

/** What is wrong with writes to a {@link FakeRegistry}. */
export interface FakeWrites {
  /** Status that writes whose path has the text in it are answered with. */
  readonly refusals: Map<string, number>;
  /** Whether blobs of other repositories are taken over when a client asks for that. */
  mounts: boolean;
}

/** Has a registry take pushes, too. Uploads are by POST and one PUT; blobs are for all repositories. */
export function takeWrites(registry: FakeRegistry): FakeWrites {
  const writes: FakeWrites = { refusals: new Map(), mounts: false };
  const fault: Fault = (request, response) => {
    if (request.method !== "POST" && request.method !== "PUT") return false;
    const { authorization } = request.headers;
    const { login, tokens } = registry;
    // The registry itself asks for a login then.
    if (login?.scheme === "basic" && authorization !== login.authorization) return false;
    if (
      login?.scheme === "bearer" &&
      !tokens.some((token) => authorization === `Bearer ${token}`)
    ) {
      return false;
    }
    void answerWrite(request, response, { registry, writes });
    return true;
  };
  registry.fault = fault;
  return writes;
}

async function answerWrite(
  request: IncomingMessage,
  response: ServerResponse,
  { registry, writes }: { readonly registry: FakeRegistry; readonly writes: FakeWrites },
): Promise<void> {
  const body = await bodyOf(request);
  // Who hung up has not pushed anything.
  if (!body) return;
  const { pathname, searchParams } = new URL(request.url ?? "", "http://registry");
  const refusal = [...writes.refusals].find(([part]) => pathname.includes(part));
  const [, repository = "", name = ""] = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(pathname) ?? [];
  if (refusal) response.writeHead(refusal[1]);
  else if (request.method === "POST" && searchParams.has("mount") && writes.mounts) {
    response.writeHead(201);
  } else if (request.method === "POST") {
    response.writeHead(202, { location: `${pathname}an-upload?state=of%20it` });
  } else if (name !== "") {
    const mediaType = request.headers["content-type"] ?? "";
    registry.addManifest(body, mediaType, name.includes(":") ? undefined : `${repository}:${name}`);
    response.writeHead(201);
  } else if (digestOf(body) !== searchParams.get("digest") || !searchParams.has("state")) {
    response.writeHead(400);
  } else {
    registry.addBlob(body);
    response.writeHead(201);
  }
  response.end();
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  } catch {
    return undefined;
  }
}
