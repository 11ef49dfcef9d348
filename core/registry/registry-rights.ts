import { type Digest, isDigest } from "../digest.ts";
import { AccessDeniedError, ImageNotFoundError, UnavailableError } from "../errors.ts";
import { isIndex, isManifest, mediaTypes } from "../media-type.ts";
import type { OriginRights, RightsSubject } from "../ports/origin-rights.ts";
import type { OriginOptions, Repository } from "../ports/origin.ts";
import { type HttpResponse, discardBody } from "./http-request.ts";
import type { RegistryClient } from "./registry-client.ts";

const acceptManifest = Object.values(mediaTypes)
  .filter((mediaType) => isManifest(mediaType) || isIndex(mediaType))
  .join(", ");

/** Asks registries for the head of what somebody wants to read. */
export class RegistryRights implements OriginRights {
  readonly #client: RegistryClient;

  constructor(client: RegistryClient) {
    this.#client = client;
  }

  async check(
    { registry, repository, subject }: Repository & { readonly subject: RightsSubject },
    { authorization, signal }: OriginOptions,
  ): Promise<Digest | undefined> {
    const asking = { registry, repository, authorization, ...requestFor(subject) };
    const ask = async (method: "GET" | "HEAD") => {
      const response = await this.#client.request({ ...asking, method }, { signal });
      await discardBody(response);
      return response;
    };
    try {
      // Lists have no head.
      const first = await ask(subject.kind === "tags" ? "GET" : "HEAD");
      const isUnknownMethod = first.statusCode === 405 || first.statusCode === 501;
      return verdictOf(isUnknownMethod ? await ask("GET") : first, { registry, repository });
    } catch (error) {
      // The answer to HEAD has no words in it, and is no right one where a signed URL was for GET.
      const isMute = error instanceof AccessDeniedError && error.refusal?.body.byteLength === 0;
      if (!isMute || authorization === "anonymous") throw error;
      return verdictOf(await ask("GET"), { registry, repository });
    }
  }
}

function requestFor(subject: RightsSubject) {
  switch (subject.kind) {
    case "manifest":
      return { path: `manifests/${subject.name}`, headers: { accept: acceptManifest } };
    case "blob":
      // For where GET must stand in for HEAD.
      return { path: `blobs/${subject.digest}`, headers: { range: "bytes=0-0" } };
    case "tags":
      return { path: "tags/list?n=1", headers: { accept: "application/json" } };
  }
}

function verdictOf(
  { statusCode, headers }: HttpResponse,
  { registry, repository }: Repository,
): Digest | undefined {
  if (statusCode === 404) throw new ImageNotFoundError(`${registry}/${repository}`);
  if (statusCode !== 200 && statusCode !== 206) {
    throw new UnavailableError(`Cannot ask ${registry} for ${repository}: status ${statusCode}`);
  }
  const named = headers["docker-content-digest"];
  return typeof named === "string" && isDigest(named) ? named : undefined;
}
