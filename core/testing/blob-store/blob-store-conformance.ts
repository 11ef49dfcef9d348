import { describe } from "node:test";

import { conformArrivals } from "./conform-arrivals.ts";
import { conformCommit } from "./conform-commit.ts";
import { conformIngest } from "./conform-ingest.ts";
import { conformManager } from "./conform-manager.ts";
import { conformReader } from "./conform-reader.ts";
import { conformRefs } from "./conform-refs.ts";
import type { OpenBlobStore } from "./sample-blobs.ts";

/** What every BlobStore must do. */
export function blobStoreConformance(name: string, open: OpenBlobStore): void {
  describe(name, () => {
    conformReader(open);
    conformIngest(open);
    conformRefs(open);
    conformCommit(open);
    conformArrivals(open);
    conformManager(open);
  });
}
