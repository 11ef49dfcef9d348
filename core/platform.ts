import { InvalidArgumentError } from "./errors.ts";

/** What an image is built for, as an index names it. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** Go's names, which images use, for Node's names of processors. */
const architectures: Readonly<Record<string, string>> = {
  x64: "amd64",
  ia32: "386",
  arm64: "arm64",
  arm: "arm",
  ppc64: "ppc64le",
  s390x: "s390x",
  riscv64: "riscv64",
};

/** The platform of a machine, from Node's name of its processor. Containers are Linux here. */
export function platformOfMachine(nodeArchitecture: string): Platform {
  return { os: "linux", architecture: architectures[nodeArchitecture] ?? nodeArchitecture };
}

/**
 * Whether an image for `offered` is one that a machine of `wanted` pulls. Variants
 * are compared only when both name one: an arm64 image with `v8` runs on any arm64.
 */
export function platformMatches(offered: Platform, wanted: Platform): boolean {
  return (
    offered.os === wanted.os &&
    offered.architecture === wanted.architecture &&
    (offered.variant === undefined ||
      wanted.variant === undefined ||
      offered.variant === wanted.variant)
  );
}

/** Whether `text` can be a part of a platform: a word of Go's, such as `linux`, `amd64` or `v8`. */
export function isPlatformWord(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/.test(text);
}

/** Reads `os/architecture` or `os/architecture/variant`. @throws {InvalidArgumentError} */
export function parsePlatform(text: string): Platform {
  const words = text.split("/");
  const [os, architecture, variant] = words;
  if (os !== undefined && architecture !== undefined && words.every(isPlatformWord)) {
    if (variant === undefined) return { os, architecture };
    if (words.length === 3) return { os, architecture, variant };
  }
  throw new InvalidArgumentError(
    `Cannot parse platform ${JSON.stringify(text.slice(0, 100))}: want os/architecture[/variant]`,
  );
}

/** Renders a platform as {@link parsePlatform} reads it. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}
