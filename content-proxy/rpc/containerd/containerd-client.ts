import { status } from "@grpc/grpc-js";

import { type Digest, isDigest } from "../../../core/digest.ts";
import type { Labels } from "../../../core/ports/blob-store.ts";
import type { Cancellable } from "../../../core/ports/cancellable.ts";
import { containerd as content, google } from "../../../protos/gen/content.js";
import { containerd as images } from "../../../protos/gen/images.js";
import { containerd as namespaces } from "../../../protos/gen/namespaces.js";
import { type ContainerdConnection, refusalOf } from "./containerd-connection.ts";

const contentPath = "/containerd.services.content.v1.Content";
const contentV1 = content.services.content.v1;
const imagesV1 = images.services.images.v1;
const namespacesV1 = namespaces.services.namespaces.v1;

const listNamespaces = {
  path: "/containerd.services.namespaces.v1.Namespaces/List",
  request: namespacesV1.ListNamespacesRequest,
  response: namespacesV1.ListNamespacesResponse,
};

const info = {
  path: `${contentPath}/Info`,
  request: contentV1.InfoRequest,
  response: contentV1.InfoResponse,
};

const list = {
  path: `${contentPath}/List`,
  request: contentV1.ListContentRequest,
  response: contentV1.ListContentResponse,
};

const listImages = {
  path: "/containerd.services.images.v1.Images/List",
  request: imagesV1.ListImagesRequest,
  response: imagesV1.ListImagesResponse,
};

const deleteContent = {
  path: `${contentPath}/Delete`,
  request: contentV1.DeleteContentRequest,
  response: google.protobuf.Empty,
};

/** What containerd knows of a blob in one of its namespaces. */
export interface ContentInfo {
  readonly digest: Digest;
  readonly labels: Labels;
}

/** An image of containerd's. */
export interface NamedImage {
  /** Whatever somebody called it. */
  readonly name: string;
  /** Its manifest or index. */
  readonly target?: Digest;
}

/** A call, and the namespace of containerd's that it is about. */
export type InNamespace = Cancellable & { readonly namespace: string };

/**
 * Asks containerd itself what it knows of blobs.
 *
 * NOTE: not everything may be asked at any time, see {@link ContainerdConnection}.
 */
export class ContainerdClient {
  readonly #connection: ContainerdConnection;

  constructor({ connection }: { readonly connection: ContainerdConnection }) {
    this.#connection = connection;
  }

  /** Names of all namespaces. @throws {UnavailableError} */
  async namespaces(options: Cancellable): Promise<readonly string[]> {
    const { namespaces: found } = await this.#connection.call(listNamespaces, {}, options);
    return found.map(({ name }) => name ?? "");
  }

  /** A blob; `undefined` when that namespace has none such. @throws {UnavailableError} */
  async info(digest: Digest, options: InNamespace): Promise<ContentInfo | undefined> {
    try {
      const found = await this.#connection.call(info, { digest }, options);
      return { digest, labels: found.info?.labels ?? {} };
    } catch (error) {
      if (refusalOf(error) === status.NOT_FOUND) return undefined;
      throw error;
    }
  }

  /** All blobs of a namespace. @throws {UnavailableError} */
  async *list(options: InNamespace): AsyncGenerator<ContentInfo, void> {
    for await (const { info } of this.#connection.stream(list, {}, options)) {
      for (const { digest, labels } of info) {
        if (digest && isDigest(digest)) yield { digest, labels: labels ?? {} };
      }
    }
  }

  /** All images of a namespace. @throws {UnavailableError} */
  async images(options: InNamespace): Promise<readonly NamedImage[]> {
    const { images: found } = await this.#connection.call(listImages, {}, options);
    return found.map(({ name, target }) => {
      const digest = target?.digest ?? "";
      return { name: name ?? "", ...(isDigest(digest) && { target: digest }) };
    });
  }

  /**
   * Has a namespace forget a blob, which it may know or not.
   *
   * @throws {UnavailableError}
   */
  async delete(digest: Digest, options: InNamespace): Promise<void> {
    try {
      await this.#connection.call(deleteContent, { digest }, options);
    } catch (error) {
      if (refusalOf(error) !== status.NOT_FOUND) throw error;
    }
  }
}
