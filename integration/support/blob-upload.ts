import { createReadStream } from "node:fs";
import type { OutgoingHttpHeaders } from "node:http";

import type { Descriptor } from "../../core/descriptor.ts";
import { requestHttp, type HttpEndpoint, type HttpResponse } from "./http.ts";

export interface UploadTarget {
  readonly endpoint: HttpEndpoint;
  readonly repository: string;
  /** Value of the Authorization header. */
  readonly authorization?: string | undefined;
}

/** Uploads a file as a blob, unless the repository has that blob. */
export async function uploadBlob(
  target: UploadTarget,
  { descriptor, path }: { readonly descriptor: Descriptor; readonly path: string },
): Promise<void> {
  const { endpoint, repository } = target;
  const headers = headersOf(target);
  const base = `/v2/${repository}/blobs`;
  const head = await requestHttp(endpoint, {
    ...{ method: "HEAD", path: `${base}/${descriptor.digest}`, headers },
  });
  if (head.status === 200) return;

  const opened = await requestHttp(endpoint, { method: "POST", path: `${base}/uploads/`, headers });
  expectStatus(opened, 202, `open an upload to ${repository}`);
  const location = new URL(opened.headers.location ?? "", `http://${endpoint.host}`);
  location.searchParams.set("digest", descriptor.digest);
  const done = await requestHttp(endpoint, {
    method: "PUT",
    path: location.pathname + location.search,
    headers: {
      ...headers,
      "content-length": descriptor.size,
      "content-type": "application/octet-stream",
    },
    body: createReadStream(path),
  });
  expectStatus(done, 201, `upload ${descriptor.digest}`);
}

/** Uploads a manifest or index, under a tag or its digest. */
export async function uploadManifest(
  target: UploadTarget,
  manifest: { readonly mediaType: string; readonly bytes: Uint8Array; readonly name: string },
): Promise<void> {
  const response = await requestHttp(target.endpoint, {
    method: "PUT",
    path: `/v2/${target.repository}/manifests/${manifest.name}`,
    headers: { ...headersOf(target), "content-type": manifest.mediaType },
    body: manifest.bytes,
  });
  expectStatus(response, 201, `upload manifest ${manifest.name}`);
}

function headersOf({ authorization }: UploadTarget): OutgoingHttpHeaders {
  return authorization === undefined ? {} : { authorization };
}

function expectStatus(response: HttpResponse, status: number, what: string): void {
  if (response.status === status) return;
  throw new Error(`Cannot ${what}: ${response.status} ${response.body.toString().slice(0, 500)}`);
}
