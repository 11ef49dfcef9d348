import type { Descriptor } from "../descriptor.ts";
import {
  AccessDeniedError,
  UnavailableError,
  WriteFailedError,
  WriteRefusedError,
} from "../errors.ts";
import type { HostLimits } from "../limits/host-limits.ts";
import { metered } from "../limits/metered.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { Repository } from "../ports/origin.ts";
import type { BlobPlace, ManifestToWrite, RegistryWriter } from "../ports/registry-writer.ts";
import { type HttpResponse, discardBody } from "./http-request.ts";
import { redirectedUrl } from "./redirect.ts";
import type { RegistryClient, RegistryRequest } from "./registry-client.ts";

/** Milliseconds that a registry may take over a blob that it has all of: some copy it then. */
const commitTimeoutMs = 300_000;

/** Writes to registries by their own API. @see OCI distribution-spec v1.1, "Push" */
export class RegistryPush implements RegistryWriter {
  readonly #client: RegistryClient;
  readonly #limits: Pick<HostLimits, "passage">;

  constructor(client: RegistryClient, limits: Pick<HostLimits, "passage">) {
    this.#client = client;
    this.#limits = limits;
  }

  async blobSize(place: BlobPlace, options: Cancellable): Promise<number | undefined> {
    const response = await this.#ask(place, `blobs/${place.digest}`, options);
    if (response.statusCode === 404) return undefined;
    const size = Number(response.headers["content-length"]);
    if (response.statusCode === 200 && Number.isSafeInteger(size) && size >= 0) return size;
    throw unexpected(place, response);
  }

  async hasManifest(place: BlobPlace, options: Cancellable): Promise<boolean> {
    const response = await this.#ask(place, `manifests/${place.digest}`, options);
    if (response.statusCode === 404) return false;
    if (response.statusCode === 200) return true;
    throw unexpected(place, response);
  }

  async mountBlob(
    place: BlobPlace,
    { from, signal }: Cancellable & { readonly from: string },
  ): Promise<boolean> {
    const query = new URLSearchParams({ mount: place.digest, from });
    try {
      const response = await this.#write(
        {
          ...placeOf(place),
          method: "POST",
          path: `blobs/uploads/?${query.toString()}`,
          headers: { "content-length": "0" },
          scope: `${pushScope(place)} repository:${from}:pull`,
        },
        { signal },
      );
      // 202 begins an ordinary upload, which nobody goes on with.
      return response.statusCode === 201;
    } catch (error) {
      // The right to write here may come without the right to read there.
      if (error instanceof AccessDeniedError || error instanceof WriteRefusedError) return false;
      throw error;
    }
  }

  async writeBlob(
    place: Repository & { readonly descriptor: Descriptor },
    { open, signal }: Cancellable & { readonly open: () => AsyncIterable<Uint8Array> },
  ): Promise<void> {
    const { digest, size } = place.descriptor;
    const common = { ...placeOf(place), scope: pushScope(place), path: "blobs/uploads/" };
    const headers = { "content-length": "0" };
    const begun = await this.#write({ ...common, method: "POST", headers }, { signal });
    const url = uploadUrl(begun, this.#client.urlOf({ ...common, method: "POST", headers }));
    url.searchParams.set("digest", digest);
    const passage = this.#limits.passage(["upload"], { flow: digest });
    let failure: unknown;
    const body = async function* () {
      try {
        yield* metered(open(), { passage, signal });
      } catch (error) {
        failure = error;
        throw error;
      }
    };
    try {
      const response = await this.#write(
        {
          ...{ ...common, method: "PUT", url, answerWithinMs: commitTimeoutMs },
          headers: { "content-type": "application/octet-stream", "content-length": String(size) },
          // There is nothing to open of an empty blob.
          body: size === 0 ? "" : body,
        },
        { signal },
      );
      if (response.statusCode !== 201) throw unexpected(place, response);
    } catch (error) {
      // That the bytes could not be read is not the registry's fault.
      throw failure ?? error;
    }
  }

  async writeManifest(manifest: ManifestToWrite, { signal }: Cancellable): Promise<void> {
    const { name, mediaType, bytes } = manifest;
    const response = await this.#write(
      {
        ...placeOf(manifest),
        method: "PUT",
        path: `manifests/${name}`,
        headers: { "content-type": mediaType, "content-length": String(bytes.byteLength) },
        body: bytes,
        scope: pushScope(manifest),
      },
      { signal },
    );
    if (response.statusCode !== 201) throw unexpected(manifest, response);
  }

  async #ask(repository: Repository, path: string, { signal }: Cancellable): Promise<HttpResponse> {
    const response = await this.#client.request(
      {
        ...placeOf(repository),
        method: "HEAD",
        path,
        headers: { accept: "*/*" },
        scope: pushScope(repository),
      },
      { signal },
    );
    await discardBody(response);
    return response;
  }

  /** An answer that is no refusal; its body is read. */
  async #write(request: RegistryRequest, options: Cancellable): Promise<HttpResponse> {
    const response = await this.#client.request(request, options);
    await discardBody(response);
    const { statusCode } = response;
    // An upload that is not found any more can be begun anew.
    const isLost = statusCode === 404 && request.url !== undefined;
    if (statusCode >= 400 && statusCode < 500 && !isPassing(statusCode) && !isLost) {
      throw new WriteRefusedError(nameOf(request), statusCode);
    }
    if (statusCode < 200 || statusCode > 299) throw unexpected(request, response);
    return response;
  }
}

/** Statuses of the 4xx that another try may not meet again: an upload that was lost, or too slow. */
function isPassing(statusCode: number): boolean {
  return statusCode === 408 || statusCode === 416 || statusCode === 425;
}

function placeOf({ registry, repository }: Repository): Repository {
  return { registry, repository };
}

function pushScope({ repository }: Repository): string {
  return `repository:${repository}:pull,push`;
}

/** @throws {UnavailableError} when the registry does not say where to upload. */
function uploadUrl(response: HttpResponse, from: URL): URL {
  const location = response.headers["location"];
  if (response.statusCode !== 202 || typeof location !== "string") {
    throw new UnavailableError(`Cannot upload to ${from.host}: it does not say where`);
  }
  return redirectedUrl(location, from);
}

function unexpected(place: Repository, { statusCode }: HttpResponse): WriteFailedError {
  return new WriteFailedError(nameOf(place), statusCode);
}

function nameOf({ registry, repository }: Repository): string {
  return `${registry}/${repository}`;
}
