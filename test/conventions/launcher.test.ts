import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from './source-tree.ts';

describe('bin/estop.js', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'estop-launcher-'));
    cpSync(join(projectRoot, 'bin'), join(folder, 'bin'), { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** `version` is what the process believes its Node to be. */
  function commandLine(version: string, ...args: readonly string[]): string[] {
    const pretend = join(folder, 'pretend.mjs');
    const versions = `{ ...process.versions, node: '${version}' }`;
    writeFileSync(pretend, `Object.defineProperty(process, 'versions', { value: ${versions} });`);
    return ['--import', pretend, join(folder, 'bin', 'estop.js'), ...args];
  }

  function launch(version: string, ...args: readonly string[]) {
    const run = spawnSync(process.execPath, commandLine(version, ...args), { encoding: 'utf8' });
    return { status: run.status, stdout: run.stdout, lines: run.stderr.trimEnd().split('\n') };
  }

  function build(): void {
    mkdirSync(join(folder, 'dist', 'src', 'cli'), { recursive: true });
    writeFileSync(join(folder, 'dist', 'src', 'cli', 'main.js'), `console.log('runs');`);
  }

  /** Where `npm ci` puts it. */
  function bringNode(): void {
    const ownNode = join(folder, 'node_modules', 'node', 'bin', 'node');
    mkdirSync(dirname(ownNode), { recursive: true });
    writeFileSync(ownNode, `#!/bin/sh\nBROUGHT=yes exec '${process.execPath}' "$@"\n`, { mode: 0o755 });
  }

  it.each(['18.20.8', '20.20.2', '22.11.0'])(
    'on Node %s says one sentence that names both versions, and exits 2',
    (version) => {
      build();
      const { status, stdout, lines } = launch(version);
      expect(lines).toEqual([
        expect.stringMatching(new RegExp(`Node 22\\.12 or newer and was started with ${version}.*\\.$`)),
      ]);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    },
  );

  it('on an old Node runs on the one that `npm ci` brought, with the same arguments, and ends as that does', () => {
    build();
    writeFileSync(
      join(folder, 'dist', 'src', 'cli', 'main.js'),
      'console.log(process.env.BROUGHT, ...process.argv.slice(2)); process.exit(7);',
    );
    bringNode();
    const { status, stdout, lines } = launch('20.20.2', 'stop', 'agent', 'a b');
    expect({ stdout, lines }).toEqual({ stdout: 'yes stop agent a b\n', lines: [''] });
    expect(status).toBe(7);
  });

  it('on an old Node hands on that it is to end', async () => {
    build();
    writeFileSync(
      join(folder, 'dist', 'src', 'cli', 'main.js'),
      `process.once('SIGTERM', () => process.exit(9)); setTimeout(() => process.exit(1), 5_000); console.log('up');`,
    );
    bringNode();
    const launched = spawn(process.execPath, commandLine('20.20.2'), { stdio: ['ignore', 'pipe', 'inherit'] });
    launched.stdout.once('data', () => launched.kill('SIGTERM'));
    expect(await once(launched, 'exit')).toEqual([9, null]);
  });

  it.each(['22.12.0', '23.0.0', '24.21.0', '100.0.0'])('on Node %s runs', (version) => {
    build();
    expect(launch(version)).toMatchObject({ status: 0, stdout: 'runs\n' });
  });

  it('says which command builds what is not built yet', () => {
    const { status, lines } = launch('24.21.0');
    expect(lines).toEqual(['estop is not built yet; run "npm run build" in its folder.']);
    expect(status).toBe(2);
  });
});
