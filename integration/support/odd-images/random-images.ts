import { layerFixture } from "../../../core/testing/layer-fixture.ts";
import { seededRandom } from "../../../core/testing/seeded-random.ts";
import type { TarEntry } from "../../../core/testing/tar-fixture.ts";
import type { OddImage } from "./odd-image.ts";

/** Few names, so that entries meet. */
const names = ["a", "b", "c", "d", ".wh.a", ".wh.b", ".wh..wh..opq", "..", "."];

/** How often a component is one that is no plain name, of those above. */
const oddNameShare = 0.1;

const plainNameCount = 4;

const types = [
  ...(["file", "file", "directory", "directory", "directory"] as const),
  ...(["directory", "symlink", "link", "fifo"] as const),
];

const entriesMax = 12;

const layersMax = 3;

/**
 * An image of entries that contradict each other as chance has it. Which of its layers can be
 * unpacked at all is not known.
 */
export function randomImage(seed: number): OddImage {
  const random = seededRandom(seed);
  const below = (bound: number) => Math.floor(random() * bound);
  const pick = <T>(choices: readonly [T, ...T[]] | readonly T[], fallback: T): T =>
    choices[below(choices.length)] ?? fallback;

  const path = () => {
    const component = () =>
      pick(random() < oddNameShare ? names : names.slice(0, plainNameCount), "a");
    return Array.from({ length: 1 + below(3) }, component).join("/");
  };
  const files: string[] = [];
  const target = () => `${pick(["", "", "/", "../", "../../../"], "")}${path()}`;
  const entry = (): TarEntry => {
    const name = path();
    const type = files.length === 0 ? "file" : pick(types, "file");
    if (type === "file") files.push(name);
    // A link to what is not there fails the whole layer: most are to files.
    const linkname = type === "link" && random() > oddNameShare ? pick(files, name) : target();
    return {
      name,
      type,
      mode: pick([0o644, 0o755, 0o700, 0o2755, 0o1777, 0o4711], 0o644),
      uid: below(3),
      gid: below(3),
      mtime: 1_500_000_000 + below(1000),
      ...(type === "file" && { content: "x".repeat(below(3)) }),
      ...((type === "symlink" || type === "link") && { linkname }),
      ...(random() < oddNameShare && { pax: { [`SCHILY.xattr.user.${below(3)}`]: String(seed) } }),
    };
  };
  const layers = Array.from({ length: 1 + below(layersMax) }, () => {
    files.length = 0;
    return layerFixture(Array.from({ length: 1 + below(entriesMax) }, entry), "none");
  });
  return { name: `random entries, ${seed}`, layers: () => layers, isRandom: true };
}
