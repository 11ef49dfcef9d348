import { layerFixture } from "../../../core/testing/layer-fixture.ts";
import { gnuTar, posixFlags } from "./gnu-tar.ts";
import type { OddImage } from "./odd-image.ts";

/** Files with holes at their start, at their end, in between, and nowhere else. */
const sparseFiles = `
  put() { printf "$2" | dd of="$1" bs=1 seek="$3" conv=notrunc status=none; }
  truncate --size 3000000 only-a-hole
  truncate --size 2000001 ends-in-a-hole; put ends-in-a-hole start 0
  put begins-with-a-hole end 1000000
  truncate --size 5000000 many
  for at in $(seq 0 131072 4900000); do put many "at $at" "$at"; done
  put not-sparse content 0
  ln many same
  chmod 4711 many; chown 1:2 many
  setup=$(printf 'long%.0s' $(seq 50)); truncate --size 1000000 "$setup"; put "$setup" x 500000
  find . -exec touch --no-dereference --date @1500000000.25 '{}' +
`;

function posixSparse(version: string): Buffer {
  return gnuTar(sparseFiles, [...posixFlags, "--sparse", `--sparse-version=${version}`]);
}

export const sparseImages: readonly OddImage[] = [
  ...["0.0", "0.1", "1.0"].map((version): OddImage => {
    return {
      name: `sparse files of PAX ${version}`,
      layers: () => [layerFixture(posixSparse(version))],
    };
  }),
  {
    name: "sparse files of GNU tar",
    layers: () => [layerFixture(gnuTar(sparseFiles, ["--format=gnu", "--sparse"]))],
    isRefused: true,
  },
];
