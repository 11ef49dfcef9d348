import { layerFixture } from "../../../core/testing/layer-fixture.ts";
import { gnuTar, posixFlags } from "./gnu-tar.ts";
import type { OddImage } from "./odd-image.ts";

/** Files of a machine, as a base image has them. */
const debianFiles = `
  mkdir -p etc usr/bin usr/lib dev run tmp var/lib root
  cp --archive /etc/debian_version /etc/passwd /etc/alternatives etc
  cp --archive /bin/true /bin/su usr/bin
  cp --archive /dev/null /dev/zero dev
  ln -s usr/bin bin
  ln usr/bin/true usr/bin/also-true
  mkfifo run/pipe
  chmod 1777 tmp; chmod 0700 root; chmod 4755 usr/bin/su; chown 33:33 var/lib
  python3 -c 'import os; os.setxattr("usr/bin/true", "security.capability",
    bytes.fromhex("0100000280000000000000000000000000000000"))'
  python3 -c 'import os; os.setxattr("var/lib", "user.bytes", bytes(range(256)))'
  find . -exec touch --no-dereference --date @1500000000.123456789 '{}' +
`;

const withXattrs = ["--xattrs", "--xattrs-include=*"];

export const builderImages: readonly OddImage[] = [
  {
    name: "a machine, by GNU tar in its own format",
    layers: () => [layerFixture(gnuTar(debianFiles, ["--format=gnu"]))],
  },
  {
    name: "a machine, by GNU tar in POSIX format",
    layers: () => [layerFixture(gnuTar(debianFiles, [...posixFlags, ...withXattrs]))],
  },
  {
    name: "a machine, by GNU tar in ustar format",
    layers: () => [layerFixture(gnuTar(debianFiles, ["--format=ustar"]))],
  },
  {
    name: "a machine, by GNU tar in the format of 1979",
    layers: () => [
      layerFixture(gnuTar(debianFiles, ["--format=v7", "--exclude=./dev/*", "--exclude=./run/*"])),
    ],
  },
];
