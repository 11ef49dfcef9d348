import { z } from "zod";

import { InvalidArgumentError } from "./errors.ts";
import { type Platform, isPlatformWord } from "./platform.ts";

/** How a node introduces itself to a seeder, to be given tasks. */
export interface NodeHello {
  /** Name that people know it by; nodes that share one are told apart by `instance`. */
  readonly name: string;
  /** Random, and new at each start of its content proxy. */
  readonly instance: string;
  /** What people choose nodes by, such as `zone: a`. */
  readonly labels: NodeLabels;
  readonly platform: Platform;
}

/** Labels of a node. */
export type NodeLabels = Readonly<Record<string, string>>;

/** Longest introduction in bytes: all labels at their longest, as JSON. */
export const nodeHelloLengthMax = 32 * 1024;

/** Labels of a node: Kubernetes gives nodes of large clouds some 40. */
export const nodeLabelsMax = 64;

/** Names of hosts have at most 253 characters. */
const nameSchema = z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/);

/** As Kubernetes has them: a prefix of DNS if any, a slash, a name of at most 63 characters. */
const labelKey = /^([A-Za-z0-9.-]{1,253}\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

const labelValue = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;

const platformWord = z.string().refine(isPlatformWord);

const helloSchema = z.object({
  name: nameSchema,
  instance: z.uuid(),
  labels: z.record(z.string(), z.string()).refine(areNodeLabels),
  platform: z.object({
    os: platformWord,
    architecture: platformWord,
    variant: platformWord.exactOptional(),
  }),
});

/** Whether `text` can be the name of a node: letters, digits, `.`, `_` and `-`. */
export function isNodeName(text: string): boolean {
  return nameSchema.safeParse(text).success;
}

/** Whether a node may have these labels: not too many, and such as Kubernetes takes. */
export function areNodeLabels(labels: NodeLabels): boolean {
  const entries = Object.entries(labels);
  return (
    entries.length <= nodeLabelsMax &&
    entries.every(([key, value]) => labelKey.test(key) && labelValue.test(value))
  );
}

/** Reads an introduction. @throws {InvalidArgumentError} */
export function parseNodeHello(value: unknown): NodeHello {
  const { success, data } = helloSchema.safeParse(value);
  if (success) return data;
  throw new InvalidArgumentError(
    "Cannot parse the node: want name, instance, labels and platform, each well-formed",
  );
}
