import { Limiter } from "../../core/async/limiter.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import { BlobNotFoundError } from "../../core/errors.ts";
import { manifestLengthMax } from "../../core/image-manifest.ts";
import type { BlobReader } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Repository } from "../../core/ports/origin.ts";
import type { RegistryWriter } from "../../core/ports/registry-writer.ts";
import type { KnownBlobs } from "../known-blobs.ts";
import type { BlobPush, ManifestPush, PushRecord, TagPush } from "./push-record.ts";
import { readWhole } from "./read-whole.ts";

/** What {@link deliverPush} works with. */
export interface DeliverPushDeps {
  readonly store: Pick<BlobReader, "find" | "read">;
  readonly writer: RegistryWriter;
  readonly known: Pick<KnownBlobs, "find">;
}

/** Blobs of one manifest that are asked after, or uploaded, at once. */
const blobsMax = 3;

/**
 * Brings a push to its registry, which may have all or some of it already.
 *
 * @throws {BlobNotFoundError} when a blob is neither here nor there.
 * @throws what the writer and the store throw
 */
export async function deliverPush(
  push: PushRecord,
  deps: DeliverPushDeps,
  options: Cancellable,
): Promise<void> {
  switch (push.kind) {
    case "blob":
      return deliverBlob(push, deps, options);
    case "manifest":
      return deliverManifest(push, deps, options);
    case "tag":
      return putManifest(push, push.tag, { ...deps, ...options });
  }
}

async function deliverBlob(
  push: Omit<BlobPush, "kind">,
  deps: DeliverPushDeps,
  { signal }: Cancellable,
): Promise<void> {
  const { store, writer } = deps;
  const { registry, repository, descriptor } = push;
  const { digest } = descriptor;
  const place = { registry, repository, digest };
  if ((await writer.blobSize(place, { signal })) !== undefined) return;
  for (const from of otherRepositories(push, deps)) {
    if (await writer.mountBlob(place, { from, signal })) return;
  }
  const record = store.find(digest);
  if (record?.whole !== true) throw new BlobNotFoundError(digest);
  const { size } = record;
  const open = () => store.read(digest, { start: 0, end: size }, { signal });
  await writer.writeBlob(
    { registry, repository, descriptor: { ...descriptor, size } },
    {
      ...{ open, signal },
    },
  );
}

/** Repositories of the same registry that are likely to have a blob. */
function otherRepositories(
  { registry, repository, descriptor, mountFrom }: Omit<BlobPush, "kind">,
  { known }: DeliverPushDeps,
): Set<string> {
  const origin = known.find(descriptor.digest);
  const likely = new Set<string>();
  if (mountFrom !== undefined) likely.add(mountFrom);
  if (origin?.registry === registry) likely.add(origin.repository);
  likely.delete(repository);
  return likely;
}

/**
 * What the manifest names is looked after once more: it may have been here before the push and
 * come from elsewhere, or the registry has tidied it away while no manifest named it.
 */
async function deliverManifest(
  push: ManifestPush,
  deps: DeliverPushDeps,
  { signal }: Cancellable,
): Promise<void> {
  const { registry, repository, descriptor } = push;
  const limiter = new Limiter(blobsMax);
  await allOf(push.blobs, (blob) =>
    limiter.run(signal, () =>
      deliverBlob({ registry, repository, descriptor: blob }, deps, { signal }),
    ),
  );
  await allOf(push.manifests, (manifest) =>
    limiter.run(signal, async () => {
      const { digest } = manifest;
      if (await deps.writer.hasManifest({ registry, repository, digest }, { signal })) return;
      await putManifest({ ...push, descriptor: manifest }, digest, { ...deps, signal });
    }),
  );
  await putManifest(push, descriptor.digest, { ...deps, signal });
}

async function putManifest(
  { registry, repository, descriptor }: Pick<TagPush, "descriptor"> & Repository,
  name: string,
  { store, writer, signal }: DeliverPushDeps & Cancellable,
): Promise<void> {
  const bytes = await readWhole(descriptor.digest, {
    ...{ store, lengthMax: manifestLengthMax, signal },
  });
  const { mediaType } = descriptor;
  await writer.writeManifest({ registry, repository, name, mediaType, bytes }, { signal });
}

/** Does the same for each, and waits for all of them also when one fails. */
async function allOf(
  descriptors: readonly Descriptor[],
  work: (descriptor: Descriptor) => Promise<void>,
): Promise<void> {
  const results = await Promise.allSettled(descriptors.map(work));
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}
