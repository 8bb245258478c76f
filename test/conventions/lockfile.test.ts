import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  inexactVersions,
  type Locked,
  missingPlatforms,
  withAllPlatforms,
} from '../../tools/lockfile/platform-packages.ts';
import { projectRoot } from './source-tree.ts';

const read = (path: string): unknown => JSON.parse(readFileSync(join(projectRoot, path), 'utf8'));

describe('package.json and its lock', () => {
  it('the lock names the packages of every platform, or npm ci refuses it (npm run lock adds them)', () => {
    const { packages } = read('package-lock.json') as { packages: Locked }; // npm's own format, version 3
    expect(missingPlatforms(packages).map(({ name }) => name)).toEqual([]);
  });

  it('every dependency is exact', () => {
    const { dependencies, devDependencies } = read('package.json') as Record<string, Record<string, string>>; // our own file
    expect(inexactVersions({ ...dependencies, ...devDependencies })).toEqual([]);
    expect(inexactVersions({ a: '^1.0.0', b: '1.x', c: '1.0.0', d: '1.0.0-beta.1' })).toEqual(['a@^1.0.0', 'b@1.x']);
  });

  it('only the pinned Node may run a script at install', () => {
    expect((read('package.json') as { allowScripts: unknown }).allowScripts).toEqual({ node: true }); // our own file
    expect(readFileSync(join(projectRoot, '.npmrc'), 'utf8')).not.toMatch(/engine-strict/);
  });

  it('a package of another platform that was left out is found and put back', () => {
    const locked: Locked = {
      'node_modules/tool': {
        version: '1.0.0',
        dev: true,
        optionalDependencies: { '@tool/linux-x64-musl': '1.0.0', '@tool/darwin-arm64': '1.0.0' },
      },
      'node_modules/@tool/darwin-arm64': { version: '1.0.0', optional: true },
    };
    expect(missingPlatforms(locked)).toEqual([{ name: '@tool/linux-x64-musl', version: '1.0.0', dev: true }]);
    const whole = withAllPlatforms(locked);
    expect(missingPlatforms(whole)).toEqual([]);
    expect(whole['node_modules/@tool/linux-x64-musl']).toEqual({
      version: '1.0.0',
      dev: true,
      optional: true,
      os: ['linux'],
      cpu: ['x64'],
      libc: ['musl'],
    });
  });

  it('a package nested in another is not missing', () => {
    const locked: Locked = {
      'node_modules/a': { version: '1.0.0', optionalDependencies: { b: '1.0.0' } },
      'node_modules/a/node_modules/b': { version: '1.0.0' },
    };
    expect(missingPlatforms(locked)).toEqual([]);
  });
});
