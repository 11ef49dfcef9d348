import { z } from "zod";

import { httpUrl } from "../core/config/fields.ts";

/** The seeders of a cluster, as all of them and the nodes have them. */
export const clusterSchema = z.strictObject({
  /** Base URL of this seeder, as nodes have it in `seeders`; without it the others are not asked. */
  self: httpUrl().optional(),
  /** Base URLs of the other seeders, as nodes have them. */
  others: z.array(httpUrl()).max(63).default([]),
});
