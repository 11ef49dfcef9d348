import { readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

/** Files that imports may name: a folder of drop-ins has a few. */
const filesMax = 200;

/**
 * The files that `imports` of a configuration name, in the order of their patterns.
 * Only the last part of a path may hold `*`, as in `/etc/containerd/conf.d/*.toml`.
 */
export async function importedFiles(
  configPath: string,
  patterns: readonly string[],
): Promise<string[]> {
  const found: string[] = [];
  for (const pattern of patterns) {
    const path = resolve(dirname(configPath), pattern);
    const names = await readdir(dirname(path)).catch(() => []);
    const wanted = globExpression(basename(path));
    const matching = names.filter((name) => wanted.test(name)).sort();
    found.push(...matching.map((name) => join(dirname(path), name)));
  }
  return found.slice(0, filesMax);
}

function globExpression(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`);
}
