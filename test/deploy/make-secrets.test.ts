import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readConnection } from '../../src/cli/connection.ts';
import { createAuthenticator } from '../../src/runtime/keys/access-tokens.ts';
import { runProgram } from '../kit/program.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { makeSecrets, projectRoot } from './composition.ts';

const filesOf = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
const contentOf = (folder: string): Readonly<Record<string, string>> =>
  Object.fromEntries(filesOf(folder).map((path) => [path, readFileSync(path, 'utf8')]));

it('makes secrets that their owner alone can read', async () => {
  const folder = join(tempFolder(), 'secrets');
  await makeSecrets(folder);
  expect(filesOf(folder).length).toBeGreaterThan(12);
  for (const path of filesOf(folder)) expect((statSync(path).mode & 0o777).toString(8), path).toBe('600');
  for (const path of [folder, join(folder, 'keys')]) expect((statSync(path).mode & 0o777).toString(8)).toBe('700');
});

it('makes a token of each kind that opens what it should', async () => {
  const folder = join(tempFolder(), 'secrets');
  await makeSecrets(folder);
  const authenticator = createAuthenticator(join(folder, 'tokens.json'), 'prod');
  const rolesOf = (name: string) =>
    authenticator.authenticate(`Bearer ${readFileSync(join(folder, name), 'utf8').trim()}`);
  expect(rolesOf('operator_token')).toMatchObject({
    ok: true,
    identity: { roles: ['viewer', 'approver', 'operator', 'admin'] },
  });
  expect(rolesOf('service_token')).toMatchObject({ ok: true, identity: { roles: ['viewer', 'service'] } });
  expect(rolesOf('worker_token')).toMatchObject({ ok: true, identity: { roles: ['agent-worker'] } });
});

it('tells the command line where the installation is, and where its keys are', async () => {
  const folder = join(tempFolder(), 'secrets');
  await makeSecrets(folder);
  const { stopUrl, controlUrl, token } = readConnection({ state: folder }, {}, '/');
  expect([stopUrl, controlUrl]).toEqual(['http://127.0.0.1:7700', 'http://127.0.0.1:7701']);
  expect(token).toBe(readFileSync(join(folder, 'operator_token'), 'utf8').trim());
  const before = readFileSync(join(folder, 'keys', 'codec.json'), 'utf8');
  const cli = join(projectRoot, 'src', 'cli', 'main.ts');
  expect((await runProgram(cli, ['keys', 'rotate', 'codec', '--state', folder]).exited).code).toBe(0);
  expect(readFileSync(join(folder, 'keys', 'codec.json'), 'utf8')).not.toBe(before);
});

it('keeps what is there, and adds what is missing', async () => {
  const folder = join(tempFolder(), 'secrets');
  await makeSecrets(folder);
  const before = contentOf(folder);
  rmSync(join(folder, 'estop_stop_url'));
  writeFileSync(join(folder, 'worker_token'), 'a token of our own\n');
  await makeSecrets(folder);
  const after = contentOf(folder);
  expect(Object.keys(after)).toEqual(Object.keys(before));
  const changed = Object.keys(after).filter((path) => after[path] !== before[path]);
  expect(changed).toEqual([join(folder, 'estop_stop_url'), join(folder, 'worker_token')]);
  expect(after[join(folder, 'worker_token')]).toBe('a token of our own\n');
});

it('makes no new list of tokens beside tokens that it would not open', async () => {
  const folder = join(tempFolder(), 'secrets');
  await makeSecrets(folder);
  rmSync(join(folder, 'tokens.json'));
  await expect(makeSecrets(folder)).rejects.toThrow(/tokens.json is gone/);
  expect(filesOf(folder)).not.toContain(join(folder, 'tokens.json'));
});

it('does not mix two environments in one folder', async () => {
  const folder = join(tempFolder(), 'secrets');
  await makeSecrets(folder, '--environment', 'staging');
  await expect(makeSecrets(folder, '--environment', 'prod')).rejects.toThrow(/environment staging/);
});
