import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/runtime/package-root.ts';
import { runCli } from './rig.ts';

it.each(['--version', '-V'])('estop %s prints the version of the package and nothing else', async (flag) => {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }; // our own file
  expect(await runCli([flag], {})).toEqual({ code: 0, stdout: `estop ${version}\n`, stderr: '' });
});
