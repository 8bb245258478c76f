import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { errorCodeOf } from '../../src/core/errors.ts';
import { compose } from '../../src/runtime/compose.ts';
import { runProgram } from '../kit/program.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { makeSecrets, projectRoot } from './composition.ts';

const provisionMain = join(projectRoot, 'src/runtime/provision/main.ts');

/** Nothing listens at the store of these: whatever is wrong with the files is found before anybody is asked. */
async function secretsFor(
  change: (folder: string) => void,
): Promise<{ readonly folder: string; readonly stderr: string }> {
  const folder = join(tempFolder(), 'secrets');
  await makeSecrets(folder, '--store', '127.0.0.1:1');
  change(folder);
  const env = {
    ...process.env,
    ESTOP_ENVIRONMENT: 'prod',
    ESTOP_SUPERUSER_URL_FILE: join(folder, 'store_superuser_url'),
    ESTOP_ROLE_URL_FOLDER: folder,
  };
  const { code, stderr } = await runProgram(provisionMain, ['store'], { env }).exited;
  expect(code).toBe(1);
  return { folder, stderr };
}

const rewrite = (folder: string, file: string, from: string | RegExp, to: string): void => {
  const path = join(folder, file);
  writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
};

it.each([
  [
    'is of another role',
    (folder: string) => rewrite(folder, 'estop_stop_url', 'estop_stop:', 'estop_owner:'),
    /estop_stop_url is not the URL of estop_stop/,
  ],
  [
    'names another server',
    (folder: string) => rewrite(folder, 'estop_gateway_url', '127.0.0.1:1', 'elsewhere:5432'),
    /estop_gateway_url names another server/,
  ],
  [
    'names another database',
    (folder: string) => rewrite(folder, 'estop_control_url', 'estop_prod', 'estop_other'),
    /do not all name one database/,
  ],
  ['is no URL', (folder: string) => writeFileSync(join(folder, 'estop_owner_url'), 'hunter2'), /does not hold the URL/],
  ['is missing', (folder: string) => rmSync(join(folder, 'estop_revoker_url')), /estop_revoker_url/],
] as const)(
  'refuses to provision a store where the URL file of a role %s, and says no password',
  async (_title, change, words) => {
    const { folder, stderr } = await secretsFor(change);
    expect(stderr).toMatch(words);
    expect(stderr).not.toContain('hunter2');
    const password = new URL(readFileSync(join(folder, 'estop_latch_url'), 'utf8').trim()).password;
    expect(stderr).not.toContain(password);
  },
);

it('says no password when the store cannot be reached', async () => {
  const { folder, stderr } = await secretsFor(() => undefined);
  expect(stderr).toMatch(/store-unavailable/);
  expect(stderr).not.toContain(readFileSync(join(folder, 'store_superuser_password'), 'utf8').trim());
});

it('gives a process the URL of its store from a file, and quotes nothing else that it finds there', () => {
  const path = join(tempFolder(), 'url');
  const urlBy = (content: string): string => {
    writeFileSync(path, content);
    return compose('test', { ESTOP_DATABASE_URL_FILE: path }).databaseUrl();
  };
  expect(urlBy('postgres://a:b@store/c\n')).toBe('postgres://a:b@store/c');
  expect(() => urlBy('a password alone')).toThrow(/^ESTOP_DATABASE_URL_FILE does not hold/);
  expect(() => compose('test', {}).databaseUrl()).toThrow(/ESTOP_DATABASE_URL_FILE/);
  expect(codeThrown(() => compose('test', { ESTOP_DATABASE_URL_FILE: `${path}.gone` }).databaseUrl())).toBe(
    'secret-missing',
  );
});

function codeThrown(work: () => unknown): string {
  try {
    work();
    return 'nothing';
  } catch (thrown) {
    return errorCodeOf(thrown);
  }
}
