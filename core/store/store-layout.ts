import { createHash } from "node:crypto";
import { join } from "node:path";

import { type Digest, algorithmOf, hexOf } from "../digest.ts";
import { makeFolder } from "../disk/make-folder.ts";

/** The algorithms of digests, each with folders of its own. */
const algorithms = ["sha256", "sha384", "sha512"] as const;

/**
 * Where things are in a store's root.
 *
 * `blobs/` and `ingest/` are those of containerd's own store, so that either can go on
 * where the other left off. What only we know is in `shoal/v1/`, which containerd does
 * not look at.
 *
 * @see containerd plugins/content/local/store.go
 */
export class StoreLayout {
  readonly root: string;
  readonly ingests: string;
  /** Holds the id of the process that has the store open. */
  readonly lock: string;
  /** Blobs that turned out to be shorter or longer than they were. */
  readonly damaged: string;
  readonly #state: string;

  constructor(root: string) {
    this.root = root;
    this.ingests = join(root, "ingest");
    this.#state = join(root, "shoal", "v1");
    this.lock = join(this.#state, "lock");
    this.damaged = join(this.#state, "damaged");
  }

  /** Makes the folders that are missing. */
  create(): void {
    makeFolder(this.ingests);
    for (const kind of ["records", "metainfo", "arriving"] as const) {
      for (const algorithm of algorithms) {
        makeFolder(this.folder(kind, algorithm), { mode: 0o700 });
      }
    }
    for (const algorithm of algorithms) {
      makeFolder(this.folder("blobs", algorithm));
    }
  }

  /** The folders of one kind, by algorithm. */
  *folders(kind: FolderKind): Iterable<{ readonly algorithm: string; readonly path: string }> {
    for (const algorithm of algorithms) yield { algorithm, path: this.folder(kind, algorithm) };
  }

  /** The bytes of a whole blob. */
  blob(digest: Digest): string {
    return this.#file("blobs", digest, "");
  }

  /** What we know of a blob. */
  record(digest: Digest): string {
    return this.#file("records", digest, fileSuffixes.records);
  }

  metainfo(digest: Digest): string {
    return this.#file("metainfo", digest, fileSuffixes.metainfo);
  }

  /** A blob of which the swarm brings pieces. */
  arriving(digest: Digest): string {
    return this.#file("arriving", digest, "");
  }

  /** The folder of an ingest. The ref is hashed, for it may hold anything. */
  ingest(ref: string): string {
    return join(this.ingests, createHash("sha256").update(ref).digest("hex"));
  }

  folder(kind: FolderKind, algorithm: string): string {
    return join(kind === "blobs" ? this.root : this.#state, kind, algorithm);
  }

  #file(kind: FolderKind, digest: Digest, suffix: string): string {
    return join(this.folder(kind, algorithmOf(digest)), hexOf(digest) + suffix);
  }
}

/** What there is a file of per blob. */
export type FolderKind = "blobs" | "records" | "metainfo" | "arriving";

/** What follows the hex in the name of a file. */
export const fileSuffixes = {
  blobs: "",
  records: ".json",
  metainfo: ".torrent",
  arriving: "",
} as const satisfies Record<FolderKind, string>;
