import { z } from "zod";

import { isRegistry } from "../image-reference.ts";
import { canonicalRegistry } from "../registry-name.ts";
import type { ConfigProblem } from "./describe-issue.ts";
import { absolutePath, httpUrl } from "./fields.ts";
import type { ConfigPath } from "./yaml-source.ts";

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

/** Tells of each registry of the list at `path` that was there before, whatever it is called. */
export function* repeatedHosts(
  registries: readonly { readonly host: string }[],
  path: ConfigPath,
): Generator<ConfigProblem> {
  const names = registries.map(({ host }) => canonicalRegistry(host));
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) === index) continue;
    const message = `is ${JSON.stringify(registries[index]?.host)}, which was listed before, want each host once`;
    yield { path: [...path, index, "host"], message };
  }
}
