import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  function launch(version: string) {
    const pretend = join(folder, 'pretend.mjs');
    const versions = `{ ...process.versions, node: '${version}' }`;
    writeFileSync(pretend, `Object.defineProperty(process, 'versions', { value: ${versions} });`);
    const run = spawnSync(process.execPath, ['--import', pretend, join(folder, 'bin', 'estop.js')], {
      encoding: 'utf8',
    });
    return { status: run.status, stdout: run.stdout, lines: run.stderr.trimEnd().split('\n') };
  }

  function build(): void {
    mkdirSync(join(folder, 'dist', 'src', 'cli'), { recursive: true });
    writeFileSync(join(folder, 'dist', 'src', 'cli', 'main.js'), `console.log('runs');`);
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
