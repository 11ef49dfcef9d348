import { status } from "@grpc/grpc-js";

import type { Descriptor } from "../../../core/descriptor.ts";
import { type Digest, isDigest } from "../../../core/digest.ts";
import type { Labels } from "../../../core/ports/blob-store.ts";
import type { Cancellable } from "../../../core/ports/cancellable.ts";
import { containerd as content, google } from "../../../protos/gen/content.js";
import { containerd as images } from "../../../protos/gen/images.js";
import { containerd as leases } from "../../../protos/gen/leases.js";
import type {
  ContainerdMetadata,
  InNamespace,
} from "../../remote-snapshots/containerd-metadata.ts";
import { numberFrom } from "../int64.ts";
import { ContainerdClient } from "./containerd-client.ts";
import { type ContainerdConnection, refusalOf } from "./containerd-connection.ts";

const contentV1 = content.services.content.v1;
const imagesV1 = images.services.images.v1;
const leasesV1 = leases.services.leases.v1;
const { STAT, COMMIT } = contentV1.WriteAction;

const listImages = {
  path: "/containerd.services.images.v1.Images/List",
  request: imagesV1.ListImagesRequest,
  response: imagesV1.ListImagesResponse,
};

const createLease = {
  path: "/containerd.services.leases.v1.Leases/Create",
  request: leasesV1.CreateRequest,
  response: leasesV1.CreateResponse,
};

const deleteLease = {
  path: "/containerd.services.leases.v1.Leases/Delete",
  request: leasesV1.DeleteRequest,
  response: google.protobuf.Empty,
};

const write = {
  path: "/containerd.services.content.v1.Content/Write",
  request: contentV1.WriteContentRequest,
  response: contentV1.WriteContentResponse,
};

/** When containerd's garbage collection takes a lease for ended. @see containerd docs/garbage-collection.md */
const expireLabel = "containerd.io/gc.expire";

/** What containerd says to a blob that it will not take the next time either. */
const finalRefusals: ReadonlySet<status> = new Set([
  ...[status.INVALID_ARGUMENT, status.FAILED_PRECONDITION, status.OUT_OF_RANGE],
]);

/** containerd's metadata, over its own socket. */
export class ContainerdMetadataClient implements ContainerdMetadata {
  readonly #connection: ContainerdConnection;
  readonly #client: ContainerdClient;

  constructor({ connection }: { readonly connection: ContainerdConnection }) {
    this.#connection = connection;
    this.#client = new ContainerdClient({ connection });
  }

  async namespaces(options: Cancellable): Promise<readonly string[]> {
    return this.#client.namespaces(options);
  }

  async imageTargets(options: InNamespace): Promise<readonly Digest[]> {
    const { images: found } = await this.#connection.call(listImages, {}, options);
    return found.map(({ target }) => target?.digest ?? "").filter(isDigest);
  }

  async labelsOf(digest: Digest, options: InNamespace): Promise<Labels | undefined> {
    return (await this.#client.info(digest, options))?.labels;
  }

  async createLease(
    lease: string,
    options: InNamespace & { readonly expiresAt: Date },
  ): Promise<void> {
    const labels = { [expireLabel]: options.expiresAt.toISOString() };
    await this.#connection.call(createLease, { id: lease, labels }, options);
  }

  async deleteLease(lease: string, options: InNamespace): Promise<void> {
    try {
      await this.#connection.call(deleteLease, { id: lease }, options);
    } catch (error) {
      if (refusalOf(error) !== status.NOT_FOUND) throw error;
    }
  }

  /**
   * Opens an ingest as a pull does. containerd then asks our own content store for the blob,
   * which says that all bytes are here, and takes the COMMIT without any.
   */
  async register(
    blob: Pick<Descriptor, "digest" | "size"> & { readonly labels: Labels },
    options: InNamespace & { readonly lease: string },
  ): Promise<boolean> {
    const { digest: expected, size: total, labels } = blob;
    const dialogue = this.#connection.converse(write, options);
    try {
      const ref = `layer-${expected}`;
      const { offset } = await dialogue.ask({ action: STAT, ref, total, expected });
      if (numberFrom(offset) !== total) return false;
      await dialogue.ask({ action: COMMIT, total, offset: total, expected, labels });
      return true;
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === status.ALREADY_EXISTS) return true;
      if (refusal !== undefined && finalRefusals.has(refusal)) return false;
      throw error;
    } finally {
      dialogue[Symbol.dispose]();
    }
  }
}
