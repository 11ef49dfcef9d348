import { z } from "zod";

import { isRegistry } from "../image-reference.ts";
import { absolutePath, httpUrl } from "./fields.ts";

/** The host that image references name, such as `registry.example.com:5000`. */
export const registryHost = z.string().refine(isRegistry, {
  error: "is not a host, want one such as registry.example.com:5000",
});

/** How a registry is reached, where its name alone does not say it. */
export const registrySchema = z.strictObject({
  host: registryHost,
  /** Where that registry is asked instead: a mirror, or its address in this network. */
  url: httpUrl().optional(),
  /** Whether it is asked by HTTP without TLS. Loopback always is. */
  plainHttp: z.boolean().default(false),
  /** Certificates in PEM that are trusted for it beside those of Node. */
  caFile: absolutePath().optional(),
});
