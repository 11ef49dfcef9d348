import type { TestContext } from "node:test";

import { cleanUpOf } from "../testing/clean-up.ts";
import { FakeRegistry } from "../testing/fake-registry.ts";
import { createRegistryAgent } from "./registry-agent.ts";
import { RegistryClient } from "./registry-client.ts";
import { RegistryOrigin, type RegistryWaits } from "./registry-origin.ts";

/** A registry that a test may have misbehave, and the origin that it is. */
export interface OriginBench {
  readonly registry: FakeRegistry;
  readonly origin: RegistryOrigin;
}

/** No pause between tries, and time enough for each. */
const quick = { stallMs: 10_000, resumePauseMs: 0 };

/** Opens both; they are gone after the test. */
export async function openOriginBench(
  t: TestContext,
  waits: Partial<RegistryWaits> = {},
): Promise<OriginBench> {
  const registry = cleanUpOf(t).use(await FakeRegistry.open());
  const dispatcher = createRegistryAgent();
  cleanUpOf(t).defer(() => dispatcher.destroy());
  const client = new RegistryClient({ dispatcher, endpoints: {}, credentials: undefined });
  return { registry, origin: new RegistryOrigin(client, { ...quick, ...waits }) };
}
