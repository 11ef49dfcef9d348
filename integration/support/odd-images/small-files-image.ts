import { layerFixture } from "../../../core/testing/layer-fixture.ts";
import { tarOf, type TarEntry } from "../../../core/testing/tar-fixture.ts";
import type { OddImage } from "./odd-image.ts";

const filesPerFolder = 200;

/** Entries of many small files, in folders with an entry each. */
export function smallFiles(count: number): Buffer {
  const folders = Array.from({ length: Math.ceil(count / filesPerFolder) }, (_, folder) => {
    const files = Array.from(
      { length: Math.min(filesPerFolder, count - folder * filesPerFolder) },
      (_, file): TarEntry => ({
        name: `many/${folder}/file-${file}.txt`,
        content: `file ${file} of folder ${folder}\n`.repeat(file % 7),
        mtime: 1_500_000_000 + file,
      }),
    );
    const entry: TarEntry = { name: `many/${folder}/`, mtime: 1_500_000_000 };
    return tarOf([entry, ...files], { trailer: Buffer.alloc(0) });
  });
  return Buffer.concat([...folders, tarOf([])]);
}

function imageOf(count: number): OddImage {
  return { name: `${count} small files`, layers: () => [layerFixture(smallFiles(count))] };
}

/** Enough to be many, few enough for every release and way to unpack. */
export const smallFilesImage = imageOf(20_000);

/** As many as a layer of a large program has. */
export const manySmallFilesImage = imageOf(100_000);
